/*
 * order.h - the commands of the console, and how one is read from its text.
 *
 * Words are in any case, names bare, "quoted" or 'quoted'. The text is one statement: what
 * sql/split.h finds between semicolons.
 *
 * Owns nothing; an order is a plain value. Thread: any.
 */
#ifndef ADMIN_ORDER_H
#define ADMIN_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/sheet.h"
#include "base/slice.h"

enum order_id {
#define ORDER(id, pattern, argument, right, run, sheet, tag, text) ORDER_##id,
#include "admin/orders.def"
#undef ORDER
	ORDER_COUNT,
};

enum order_argument {
	ORDER_ARGUMENT_NONE,
	ORDER_ARGUMENT_DATABASE,
	ORDER_ARGUMENT_OPTIONAL, /* a database, or nothing */
	ORDER_ARGUMENT_NUMBER,
	ORDER_ARGUMENT_SETTING,
	ORDER_ARGUMENT_ANY,
};

enum order_right {
	ORDER_RIGHT_LOOK,
	ORDER_RIGHT_RULE,
};

struct order_rule {
	const char *pattern;
	enum order_argument argument;
	enum order_right right;
	enum sheet_id sheet;
	const char *tag;
	const char *text;
};

#define ORDER_NAME_BYTES 256
#define ORDER_VALUE_BYTES 1024

struct order {
	enum order_id id;
	bool has_name;
	char name[ORDER_NAME_BYTES]; /* a database, or a setting */
	char value[ORDER_VALUE_BYTES];
	uint64_t number;
};

const struct order_rule *order_rule(enum order_id id);

/* False: it is none of the commands. */
bool order_parse(struct slice text, struct order *out) MUST_CHECK;

/* SET of this is a driver's business with a database; here it is taken and forgotten. */
bool order_is_driver_setting(struct slice name);

#endif
