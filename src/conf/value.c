/*
 * value.c - a reader and a writer for each type of setting.
 */
#include "conf/value.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/protocols.h"
#include "conf/share.h"

#define VALUE_MAX_US ((usec_t)100 * 366 * 86400 * USEC_PER_SEC) /* a hundred years */
#define VALUE_SHOWN 60 /* bytes of a wrong text that are repeated */

#define VALUE_SHOW(text) SLICE_ARGS(slice_head(text, VALUE_SHOWN))

struct value_unit {
	const char *name;
	int64_t factor;
};

static const struct value_unit value_durations[] = {
	{ "us", 1 },
	{ "ms", USEC_PER_MSEC },
	{ "s", USEC_PER_SEC },
	{ "min", 60 * USEC_PER_SEC },
	{ "h", 3600 * USEC_PER_SEC },
	{ "d", 86400 * USEC_PER_SEC },
};

static const struct value_unit value_sizes[] = {
	{ "B", 1 },
	{ "kB", (int64_t)1 << 10 },
	{ "MB", (int64_t)1 << 20 },
	{ "GB", (int64_t)1 << 30 },
};

size_t value_size(enum setting_type type)
{
	switch (type) {
	case SETTING_BOOL:
		return sizeof(bool);
	case SETTING_INT:
	case SETTING_MODE:
	case SETTING_ENUM:
		return sizeof(int);
	case SETTING_DURATION:
		return sizeof(usec_t);
	case SETTING_BYTES:
		return sizeof(int64_t);
	case SETTING_STRING:
		return sizeof(const char *);
	case SETTING_LIST:
		return sizeof(struct conf_list);
	}
	return 0;
}

/* ---- reading -------------------------------------------------------------------------- */

/*
 * A decimal number, maybe negative, maybe with a fraction. Returns how many bytes it has, 0
 * if it is none. No strtod: what that reads depends on the locale.
 */
static size_t value_number(struct slice text, bool with_fraction, double *number)
{
	size_t i = 0, digits = 0;
	double value = 0, place = 1;
	bool is_negative = text.len > 0 && text.ptr[0] == '-';

	if (is_negative)
		i++;
	for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++, digits++)
		value = value * 10 + (text.ptr[i] - '0');
	if (with_fraction && i < text.len && text.ptr[i] == '.')
		for (i++; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++, digits++)
			value += (text.ptr[i] - '0') * (place /= 10);
	*number = is_negative ? -value : value;
	return digits > 0 ? i : 0;
}

static bool value_range(const struct setting *s, double value, int64_t type_max,
			const char *shown_min, const char *shown_max, struct err *err)
{
	int64_t max = s->extras.max ? s->extras.max : type_max;
	if (value >= (double)s->extras.min && value <= (double)max)
		return true;
	return err_set(err, "out of range: it must be between %s and %s", shown_min, shown_max);
}

static bool value_bool(struct slice text, bool *field, struct err *err)
{
	static const char *const words[][2] = {
		{ "0", "1" },
		{ "off", "on" },
		{ "false", "true" },
		{ "no", "yes" },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		for (int value = 0; value < 2; value++)
			if (slice_ieq_str(text, words[i][value])) {
				*field = value != 0;
				return true;
			}
	return err_set(err, "\"%.*s\" is neither on (1, yes, true) nor off (0, no, false)",
		       VALUE_SHOW(text));
}

static bool value_int(const struct setting *s, struct slice text, int *field, struct err *err)
{
	double value;
	char min[24], max[24];
	size_t used = value_number(text, false, &value);

	if (used == 0 || used != text.len)
		return err_set(err, "\"%.*s\" is not a whole number", VALUE_SHOW(text));
	snprintf(min, sizeof(min), "%" PRId64, s->extras.min);
	snprintf(max, sizeof(max), "%" PRId64, s->extras.max ? s->extras.max : INT_MAX);
	if (!value_range(s, value, INT_MAX, min, max, err))
		return false;
	*field = (int)value;
	return true;
}

static bool value_mode(const struct setting *s, struct slice text, int *field, struct err *err)
{
	int value = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '7' || value > s->extras.max)
			value = INT_MAX / 16;
		else
			value = value * 8 + (text.ptr[i] - '0');
	}
	if (text.len == 0 || value > s->extras.max)
		return err_set(err, "\"%.*s\" is not an octal mode up to %04o", VALUE_SHOW(text),
			       (unsigned)s->extras.max);
	*field = value;
	return true;
}

/* The factor of a unit, in either case; 0: there is none of that name. */
static int64_t value_unit(const struct value_unit *units, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_ieq_str(name, units[i].name))
			return units[i].factor;
	return 0;
}

static int64_t value_bare(const struct setting *s)
{
	return s->extras.unit == CONF_UNIT_MS ? USEC_PER_MSEC : USEC_PER_SEC;
}

static void value_format_duration(const struct setting *s, usec_t us, struct buf *out);

static bool value_duration(const struct setting *s, struct slice text, usec_t *field,
			   struct err *err)
{
	double number;
	size_t used = value_number(text, true, &number);
	struct slice unit = slice_trim(slice_skip(text, used));
	int64_t factor = unit.len == 0
				 ? value_bare(s)
				 : value_unit(value_durations, COUNT_OF(value_durations), unit);

	if (used == 0 || factor == 0)
		return err_set(
			err, "\"%.*s\" is not a length of time (a number; us, ms, s, min, h or d)",
			VALUE_SHOW(text));
	if (s->extras.never && number == atoi(s->extras.never)) {
		*field = USEC_NEVER;
		return true;
	}
	struct buf min = { .data = NULL }, max = { .data = NULL };
	value_format_duration(s, s->extras.min, &min);
	value_format_duration(s, s->extras.max ? s->extras.max : VALUE_MAX_US, &max);
	double us = number * (double)factor;
	bool ok = value_range(s, us, VALUE_MAX_US, buf_cstr(&min), buf_cstr(&max), err);
	buf_fini(&min);
	buf_fini(&max);
	if (ok)
		*field = (usec_t)(us + 0.5);
	if (ok && us > 0 && *field == 0)
		*field = 1; /* 0 has a meaning of its own */
	return ok;
}

static bool value_bytes(const struct setting *s, struct slice text, int64_t *field, struct err *err)
{
	double number;
	char min[24], max[24];
	int64_t most = (int64_t)1 << 50;
	size_t used = value_number(text, false, &number);
	struct slice unit = slice_trim(slice_skip(text, used));
	int64_t factor = unit.len == 0 ? 1 : value_unit(value_sizes, COUNT_OF(value_sizes), unit);

	if (used == 0 || factor == 0)
		return err_set(err, "\"%.*s\" is not a size (a number; B, kB, MB or GB)",
			       VALUE_SHOW(text));
	snprintf(min, sizeof(min), "%" PRId64, s->extras.min);
	snprintf(max, sizeof(max), "%" PRId64, s->extras.max ? s->extras.max : most);
	if (!value_range(s, number * (double)factor, most, min, max, err))
		return false;
	*field = (int64_t)number * factor;
	return true;
}

static bool value_enum(const struct setting *s, struct slice text, int *field, struct err *err)
{
	struct buf known = { .data = NULL };
	for (int i = 0; i < s->word_count; i++) {
		if (slice_ieq_str(text, s->words[i])) {
			buf_fini(&known);
			*field = i;
			return true;
		}
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", s->words[i]);
	}
	err_set(err, "\"%.*s\" is none of %s", VALUE_SHOW(text), buf_cstr(&known));
	buf_fini(&known);
	return false;
}

/* What a text has to be beyond a text. */
static bool value_check(enum setting_check check, struct slice text, struct err *err)
{
	unsigned versions;
	switch (check) {
	case CONF_CHECK_NONE:
		break;
	case CONF_CHECK_FACILITY:
		if (!log_is_facility(text))
			return err_set(err, "\"%.*s\" is no facility of syslog", VALUE_SHOW(text));
		break;
	case CONF_CHECK_PROTOCOLS:
	case CONF_CHECK_PROTOCOL_RANGE:
		versions = protocols_parse(text);
		if (!versions)
			return err_set(err,
				       "\"%.*s\" is neither secure nor all nor a list of tlsv1.0, "
				       "tlsv1.1, tlsv1.2 and tlsv1.3",
				       VALUE_SHOW(text));
		if (check == CONF_CHECK_PROTOCOL_RANGE && !protocols_least(versions))
			return err_set(err, "\"%.*s\" leaves a gap, which libpq cannot do",
				       VALUE_SHOW(text));
		break;
	case CONF_CHECK_SHARE:
		if (!share_is_valid(text))
			return err_set(err, "\"%.*s\" is neither a number nor a percentage",
				       VALUE_SHOW(text));
		break;
	}
	return true;
}

static bool value_string(const struct setting *s, struct slice text, const char **field,
			 struct confmem *mem, struct err *err)
{
	if (!value_check(s->extras.check, text, err))
		return false;
	/* PgBouncer writes an empty query so. */
	*field = slice_eq_str(text, "<empty>") ? "" : confmem_str(mem, text);
	return true;
}

static void value_list(struct slice text, struct conf_list *field, struct confmem *mem)
{
	const char **items = NULL;
	size_t count = 0;

	while (text.len > 0) {
		const char *comma = memchr(text.ptr, ',', text.len);
		size_t len = comma ? (size_t)(comma - text.ptr) : text.len;
		struct slice item = slice_trim(slice_head(text, len));
		text = slice_skip(text, comma ? len + 1 : len);
		if (item.len == 0)
			continue;
		items = confmem_grow(mem, items, count, sizeof(*items));
		items[count++] = confmem_str(mem, item);
	}
	*field = (struct conf_list){ .items = items, .count = count };
}

bool value_parse(const struct setting *s, struct slice text, void *field, struct confmem *mem,
		 struct err *err)
{
	switch (s->type) {
	case SETTING_BOOL:
		return value_bool(text, field, err);
	case SETTING_INT:
		return value_int(s, text, field, err);
	case SETTING_MODE:
		return value_mode(s, text, field, err);
	case SETTING_DURATION:
		return value_duration(s, text, field, err);
	case SETTING_BYTES:
		return value_bytes(s, text, field, err);
	case SETTING_STRING:
		return value_string(s, text, field, mem, err);
	case SETTING_LIST:
		value_list(text, field, mem);
		return true;
	case SETTING_ENUM:
		return value_enum(s, text, field, err);
	}
	return false;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* In the unit of a bare number, as PgBouncer shows it, with no more digits than are needed. */
static void value_format_duration(const struct setting *s, usec_t us, struct buf *out)
{
	if (us == USEC_NEVER) {
		buf_add_str(out, s->extras.never ? s->extras.never : "0");
		return;
	}
	int64_t bare = value_bare(s);
	buf_addf(out, "%" PRId64, us / bare);
	int64_t rest = us % bare;
	if (rest == 0)
		return;
	char digits[16];
	int n = snprintf(digits, sizeof(digits), "%0*" PRId64, bare == USEC_PER_SEC ? 6 : 3, rest);
	while (digits[n - 1] == '0')
		n--;
	buf_addf(out, ".%.*s", n, digits);
}

void value_format(const struct setting *s, const void *field, struct buf *out)
{
	switch (s->type) {
	case SETTING_BOOL:
		buf_add_str(out, *(const bool *)field ? "1" : "0");
		break;
	case SETTING_INT:
		buf_addf(out, "%d", *(const int *)field);
		break;
	case SETTING_MODE:
		buf_addf(out, "%04o", *(const unsigned *)field);
		break;
	case SETTING_DURATION:
		value_format_duration(s, *(const usec_t *)field, out);
		break;
	case SETTING_BYTES:
		buf_addf(out, "%" PRId64, *(const int64_t *)field);
		break;
	case SETTING_STRING:
		buf_add_str(out, *(const char *const *)field);
		break;
	case SETTING_LIST: {
		const struct conf_list *list = field;
		for (size_t i = 0; i < list->count; i++)
			buf_addf(out, "%s%s", i > 0 ? ", " : "", list->items[i]);
		break;
	}
	case SETTING_ENUM:
		buf_add_str(out, s->words[*(const int *)field]);
		break;
	}
}
