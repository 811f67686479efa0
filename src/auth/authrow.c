/*
 * authrow.c - a row of auth_query, column by column, and time stamps as PostgreSQL writes them.
 */
#include "auth/authrow.h"

#include <stdint.h>
#include <string.h>

#include "wire/reader.h"

#define SECS_PER_DAY ((usec_t)86400)
#define AUTHROW_COLUMN_BYTES 18 /* what a RowDescription has of a column behind its name */

static bool is_one_of(struct slice name, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq_str(name, words[i]))
			return true;
	return false;
}

static bool is_until(struct slice name)
{
	static const char *const words[] = { "rolvaliduntil", "valuntil", "validuntil",
					     "valid_until", "valid until" };
	return is_one_of(name, words, COUNT_OF(words));
}

static bool is_may_login(struct slice name)
{
	static const char *const words[] = { "rolcanlogin", "canlogin", "can_login" };
	return is_one_of(name, words, COUNT_OF(words));
}

/* ---- time stamps -------------------------------------------------------------------- */

/* A run of `min` to `max` digits off the front. */
static bool take_digits(struct slice *text, size_t min, size_t max, int64_t *out)
{
	size_t n = 0;
	*out = 0;
	while (n < text->len && n < max && text->ptr[n] >= '0' && text->ptr[n] <= '9')
		*out = *out * 10 + (text->ptr[n++] - '0');
	*text = slice_skip(*text, n);
	return n >= min;
}

static bool take_char(struct slice *text, char c)
{
	if (text->len == 0 || *text->ptr != c)
		return false;
	*text = slice_skip(*text, 1);
	return true;
}

/* Days since 1970 of a date in the Gregorian calendar; year 0 is 1 BC. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "18:21:03.5" to microseconds. */
static bool take_clock(struct slice *text, usec_t *out)
{
	int64_t h, m, s = 0, micros = 0;
	if (!take_digits(text, 2, 2, &h) || !take_char(text, ':') || !take_digits(text, 2, 2, &m))
		return false;
	if (take_char(text, ':') && !take_digits(text, 2, 2, &s))
		return false;
	if (take_char(text, '.')) {
		size_t before = text->len;
		if (!take_digits(text, 1, 6, &micros))
			return false;
		for (size_t n = before - text->len; n < 6; n++)
			micros *= 10;
	}
	*out = (h * 3600 + m * 60 + s) * USEC_PER_SEC + micros;
	return h <= 24 && m <= 59 && s <= 60;
}

/* "+01", "-03:30", "+01:02:03"; nothing is UTC. */
static bool take_zone(struct slice *text, usec_t *out)
{
	int64_t part[3] = { 0 };
	bool is_west = take_char(text, '-');
	*out = 0;
	if (!is_west && !take_char(text, '+'))
		return true;
	for (int i = 0; i < 3; i++)
		if ((i == 0 || take_char(text, ':')) && !take_digits(text, 2, 2, &part[i]))
			return false;
	*out = (part[0] * 3600 + part[1] * 60 + part[2]) * USEC_PER_SEC;
	if (is_west)
		*out = -*out;
	return true;
}

bool authrow_parse_time(struct slice text, usec_t *wall)
{
	int64_t year, month, day;
	usec_t clock = 0, zone = 0;

	*wall = USEC_NEVER;
	if (slice_eq_str(text, "infinity"))
		return true;
	*wall = INT64_MIN;
	if (slice_eq_str(text, "-infinity"))
		return true;
	if (!take_digits(&text, 4, 6, &year) || !take_char(&text, '-') ||
	    !take_digits(&text, 2, 2, &month) || !take_char(&text, '-') ||
	    !take_digits(&text, 2, 2, &day) || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	if (take_char(&text, ' ') && !slice_eq_str(text, "BC") &&
	    (!take_clock(&text, &clock) || !take_zone(&text, &zone)))
		return false;
	if (slice_eq_str(text, " BC") || slice_eq_str(text, "BC"))
		year = 1 - year;
	else if (text.len > 0)
		return false;
	*wall = USEC_NEVER;
	if (year < 200000) /* beyond it the sum would not fit */
		*wall = days_of(year, month, day) * SECS_PER_DAY * USEC_PER_SEC + clock - zone;
	return true;
}

/* ---- messages ------------------------------------------------------------------------ */

bool authrow_read_names(struct authrow *row, struct slice description)
{
	struct reader r;
	reader_init(&r, description);
	size_t n = reader_u16(&r);
	row->count = n < AUTHROW_MAX_COLUMNS ? n : AUTHROW_MAX_COLUMNS;
	for (size_t i = 0; i < n && !reader_failed(&r); i++) {
		struct slice name = reader_cstr(&r);
		(void)reader_bytes(&r, AUTHROW_COLUMN_BYTES);
		if (i < row->count)
			row->names[i] = name;
	}
	return reader_is_done(&r);
}

bool authrow_read_values(struct authrow *row, struct slice data)
{
	struct reader r;
	reader_init(&r, data);
	size_t n = reader_u16(&r);
	for (size_t i = 0; i < n && !reader_failed(&r); i++) {
		struct slice value = reader_value(&r);
		if (i < row->count)
			row->values[i] = value;
	}
	return reader_is_done(&r) && n >= row->count;
}

/* ---- the row ------------------------------------------------------------------------- */

static enum authrow_verdict nobody(const char **why, const char *text)
{
	*why = text;
	return AUTHROW_NOBODY;
}

static enum authrow_verdict malformed(const char **why, const char *text)
{
	*why = text;
	return AUTHROW_MALFORMED;
}

/* Columns beyond the secret. */
static enum authrow_verdict judge_rest(const struct authrow *row, usec_t wall, usec_t *until,
				       const char **why)
{
	for (size_t i = 2; i < row->count; i++) {
		struct slice value = row->values[i];
		usec_t ends;
		if (!value.ptr)
			continue;
		if (is_may_login(row->names[i]) && !slice_eq_str(value, "t"))
			return nobody(why, "the user may not log in");
		if (!is_until(row->names[i]))
			continue;
		if (!authrow_parse_time(value, &ends))
			return malformed(why,
					 "auth_query gave a valid-until that is no time stamp");
		if (ends <= wall)
			return nobody(why, "the user's password has expired");
		*until = usec_min(*until, ends);
	}
	return AUTHROW_USER;
}

enum authrow_verdict authrow_judge(const struct authrow *row, struct slice user, usec_t wall,
				   struct slice *secret, usec_t *until, const char **why)
{
	*until = USEC_NEVER;
	*why = "";
	if (row->count < 2)
		return malformed(why, "auth_query gave fewer than two columns: the user's name "
				      "and secret are wanted");
	if (!row->values[0].ptr)
		return nobody(why, "auth_query knows no such user");
	if (!slice_eq(row->values[0], user))
		return nobody(why, "auth_query gave another user's name than the one asked for");
	if (!row->values[1].ptr)
		return nobody(why, "the user has no password that could be compared");
	if (slice_eq_str(row->values[1], "********"))
		return malformed(why,
				 "auth_query gave asterisks for a secret: pg_roles and pg_user "
				 "show no other, pg_authid and pg_shadow have it");
	*secret = row->values[1];
	return judge_rest(row, wall, until, why);
}
