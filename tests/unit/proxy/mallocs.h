/*
 * mallocs.h - how often what is tested has asked for memory.
 */
#ifndef MALLOCS_H
#define MALLOCS_H

unsigned long mallocs_count(void); /* malloc, calloc and realloc, since the start */

#endif
