/*
 * share.c - a number, or a percentage.
 */
#include "conf/share.h"

#include <stdint.h>

#define SHARE_MAX 1000000

/* -1: it is no share. */
static int share_number(struct slice text, bool *is_percent)
{
	int n = 0;
	*is_percent = text.len > 1 && text.ptr[text.len - 1] == '%';
	text.len -= *is_percent;
	if (text.len == 0)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -1;
		n = n * 10 + (text.ptr[i] - '0');
		if (n > SHARE_MAX)
			return -1;
	}
	return *is_percent && n > 100 ? -1 : n;
}

bool share_is_valid(struct slice text)
{
	bool is_percent;
	return share_number(text, &is_percent) >= 0;
}

int share_of(struct slice text, int all)
{
	bool is_percent;
	int n = share_number(text, &is_percent);
	if (n <= 0 || (is_percent && all < 0))
		return -1;
	return is_percent ? (int)(((int64_t)all * n + 99) / 100) : n;
}
