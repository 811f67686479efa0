/*
 * bug.h - what every file needs to state its invariants.
 *
 * BUG_ON(cond) stays in release builds: a broken invariant in a program that
 * carries other people's transactions ends the process with a line that says
 * where, rather than going on with what may be somebody else's data. It is never
 * used on anything that came from the network or from a file.
 *
 * Thread: any.
 */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (UNLIKELY(cond))                                                                \
			bug(__FILE__, __LINE__, __func__, #cond);                                  \
	} while (0)

/* Says where and what to standard error and aborts. */
NORETURN void bug(const char *file, int line, const char *func, const char *what);

#endif
