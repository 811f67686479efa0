/*
 * mem.h - memory that is simply there.
 *
 * For small, bounded things: configuration, start-up, an object per connection. When
 * there is none left these end the process, saying so. What grows with what the
 * network sends is held in a struct buf, which has a cap and fails softly.
 *
 * Thread: any.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);  /* not cleared */
void *mem_zalloc(size_t size); /* cleared */
void *mem_realloc(void *ptr, size_t size);
char *mem_strdup(const char *str);     /* NULL stays NULL */
void mem_wipe(void *ptr, size_t size); /* not optimised away; for secrets */

#endif
