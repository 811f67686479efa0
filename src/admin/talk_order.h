/*
 * talk_order.h - from a statement to a command that this session may give.
 *
 * Owns nothing. Thread: any.
 */
#ifndef ADMIN_TALK_ORDER_H
#define ADMIN_TALK_ORDER_H

#include <stdbool.h>

#include "admin/order.h"
#include "base/buf.h"
#include "sql/split.h"

/* False: why not is in `out`, as an ErrorResponse. */
bool talk_order_read(bool is_admin, const struct split_statement *s, struct order *order,
		     struct buf *out) MUST_CHECK;

/* For an error's text: the beginning of what came, printable. */
const char *talk_order_quote(struct slice text, char room[64]);

#endif
