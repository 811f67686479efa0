/*
 * manual.c - orders.def, sheets.def and the reasons of proxy/keep.h, printed.
 */
#include "admin/manual.h"

#include "admin/order.h"
#include "proxy/keep.h"

/* What comes behind a command's words. */
static const char *manual_argument(enum order_argument argument)
{
	switch (argument) {
	case ORDER_ARGUMENT_DATABASE:
		return " <db>";
	case ORDER_ARGUMENT_OPTIONAL:
		return " [<db>]";
	case ORDER_ARGUMENT_NUMBER:
		return " <id>";
	case ORDER_ARGUMENT_SETTING:
		return " key = value";
	case ORDER_ARGUMENT_NONE:
	case ORDER_ARGUMENT_ANY:
		break;
	}
	return "";
}

/* The rows behind that one are there for drivers only. */
static bool manual_has(enum order_id id)
{
	return id < ORDER_SELECT_VERSION;
}

static bool manual_is_show(const struct order_rule *rule)
{
	return slice_starts(slice_of(rule->pattern), "SHOW ");
}

static void manual_help_shows(struct buf *out)
{
	size_t column = 0;
	buf_add_str(out, "\n\tSHOW ");
	for (enum order_id id = 0; manual_has(id); id++) {
		const struct order_rule *rule = order_rule(id);
		if (!manual_is_show(rule) ||
		    (rule->sheet == SHEET_ID_NONE && id != ORDER_SHOW_HELP))
			continue;
		const char *name = rule->pattern + sizeof("SHOW ") - 1;
		size_t bytes = slice_of(name).len;
		bool is_full = column > 60;
		buf_addf(out, "%s%s%s", column > 0 || id > 0 ? "|" : "", is_full ? "\n\t\t" : "",
			 name);
		column = is_full ? bytes : column + bytes + 1;
	}
}

void manual_help(struct buf *out)
{
	manual_help_shows(out);
	for (enum order_id id = 0; manual_has(id); id++) {
		const struct order_rule *rule = order_rule(id);
		if (!manual_is_show(rule) && id != ORDER_SUSPEND)
			buf_addf(out, "\n\t%s%s", rule->pattern, manual_argument(rule->argument));
	}
}

/* ---- roff ----------------------------------------------------------------------------------- */

/* Text in which nothing is taken for a request, an escape or a hyphen. */
static void manual_text(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_add_str(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\' || *text == '-')
			buf_add_str(out, *text == '-' ? "\\-" : "\\e");
		else
			buf_u8(out, (uint8_t)*text);
	}
}

static void manual_columns(struct buf *out, const struct sheet *sheet)
{
	static const char *const types[] = {
		[BUILD_TEXT] = "text",
		[BUILD_BOOL] = "boolean",
		[BUILD_INT4] = "integer",
		[BUILD_INT8] = "bigint",
		[BUILD_FLOAT8] = "double precision",
		[BUILD_NUMERIC] = "numeric",
	};
	buf_add_str(out, ".RS\n");
	for (size_t i = 0; i < sheet->column_count; i++) {
		const struct sheet_column *c = &sheet->columns[i];
		buf_addf(out, ".TP\n.BR %s \" (%s)\"\n", c->column.name, types[c->column.type]);
		manual_text(out, c->text);
		buf_add_str(out, ".\n");
	}
	buf_add_str(out, ".RE\n");
}

static void manual_order(struct buf *out, const struct order_rule *rule)
{
	const struct sheet *sheet = sheet_get(rule->sheet);
	buf_add_str(out, ".TP\n.B \"");
	manual_text(out, rule->pattern);
	manual_text(out, manual_argument(rule->argument));
	buf_add_str(out, "\"\n");
	manual_text(out, sheet ? sheet->text : rule->text);
	buf_add_str(out, "\n");
	if (sheet)
		manual_columns(out, sheet);
}

void manual_roff(struct buf *out)
{
	buf_add_str(out, ".SS Looking\n");
	for (enum order_id id = 0; manual_has(id); id++)
		if (manual_is_show(order_rule(id)))
			manual_order(out, order_rule(id));
	buf_add_str(out, ".SS Ruling\n");
	for (enum order_id id = 0; manual_has(id); id++)
		if (!manual_is_show(order_rule(id)))
			manual_order(out, order_rule(id));
}

static void manual_keep(struct buf *out, const char *name, const char *from, const char *until)
{
	buf_add_str(out, ".TP\n.B ");
	manual_text(out, name);
	buf_add_str(out, "\nFrom ");
	manual_text(out, from);
	buf_add_str(out, ". Until ");
	manual_text(out, until);
	buf_add_str(out, ".\n");
}

void manual_roff_keeps(struct buf *out)
{
#define MANUAL_KEEP_(state, shown, counter, from, until) manual_keep(out, shown, from, until);
	KEEP_STATES(MANUAL_KEEP_)
#undef MANUAL_KEEP_
}
