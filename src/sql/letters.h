/*
 * letters.h - how many letters a text has, as PostgreSQL counts them for the position of an error.
 *
 * Thread: any.
 */
#ifndef SQL_LETTERS_H
#define SQL_LETTERS_H

#include <stddef.h>

#include "base/slice.h"

/* Of a text that was sent in `client`, to a server that has it in `server`: names of encodings as
 * PostgreSQL reports them. (Where two letters become one on the way there, of UTF8 to a server with
 * EUC_JIS_2004, they are counted as they were sent.) */
size_t letters_count(struct slice text, struct slice client, struct slice server);

#endif
