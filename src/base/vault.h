/*
 * vault.h - memory for secrets: it is left out of core files (MADV_DONTDUMP), and wiped when it is
 * given back.
 *
 * For what stays: users' secrets, passwords, keys, the configuration, which has some in it. When
 * there is no memory the process ends, as in mem.h.
 *
 * Thread: any; a lock is taken.
 */
#ifndef BASE_VAULT_H
#define BASE_VAULT_H

#include <stddef.h>

#include "base/slice.h"

void *vault_alloc(size_t size);  /* cleared, aligned for anything */
char *vault_dup(struct slice s); /* a copy with a terminating zero */
void vault_free(void *ptr);      /* NULL does nothing */

#endif
