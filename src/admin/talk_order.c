/*
 * talk_order.c - what was typed, read and permitted.
 */
#include "admin/talk_order.h"

#include "wire/errors.h"

const char *talk_order_quote(struct slice text, char room[64])
{
	size_t n = 0;
	for (; n < text.len && n < 63; n++)
		room[n] = (unsigned char)text.ptr[n] < ' ' || (unsigned char)text.ptr[n] > '~'
				  ? '?'
				  : text.ptr[n];
	room[n] = '\0';
	return room;
}

bool talk_order_read(bool is_admin, const struct split_statement *s, struct order *order,
		     struct buf *out)
{
	char room[64];
	if (s->open || !order_parse(s->text, order)) {
		errors_build(out, ERROR_ADMIN_SYNTAX, NULL, NULL, talk_order_quote(s->text, room));
		return false;
	}
	if (order_rule(order->id)->right == ORDER_RIGHT_RULE && !is_admin) {
		errors_build(out, ERROR_ADMIN_DENIED, NULL, NULL, order_rule(order->id)->pattern);
		return false;
	}
	return true;
}
