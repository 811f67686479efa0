/*
 * slowlog.c - the line of a slow batch in its three forms, and how many lines there may be.
 */
#include "advisor/slowlog.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "advisor/lineout.h"
#include "advisor/slowsql.h"
#include "base/bug.h"

#define SLOWLOG_WINDOW_US USEC_PER_SEC

#define SLOWLOG_FORMAT_NAME_(format, name) [SLOWLOG_##format] = name,
static const char *const format_names[] = { SLOWLOG_FORMATS(SLOWLOG_FORMAT_NAME_) };

const char *slowlog_format_name(enum slowlog_format format)
{
	BUG_ON(format >= SLOWLOG_FORMAT_COUNT);
	return format_names[format];
}

/* ---- stamps ------------------------------------------------------------------------- */

static void write_stamp(struct buf *out, const char *fmt, const char *zone, usec_t wall)
{
	time_t seconds = (time_t)(wall / USEC_PER_SEC);
	char text[40] = "";
	struct tm tm;
	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), fmt, &tm);
	int ms = (int)(wall % USEC_PER_SEC / USEC_PER_MSEC);
	buf_addf(out, "%s.%03d%s", text, ms < 0 ? 0 : ms, zone);
}

static void write_prefix(struct buf *out, usec_t wall, const char *level)
{
	write_stamp(out, "%Y-%m-%d %H:%M:%S", " UTC", wall);
	buf_addf(out, " [%d] %s ", (int)getpid(), level);
}

static void begin_fields(struct lineout *line, enum slowlog_format format, usec_t wall,
			 const char *event, struct buf *out)
{
	lineout_begin(line, out, format == SLOWLOG_JSON ? LINEOUT_JSON : LINEOUT_QUOTED);
	lineout_name(line, "ts");
	const char *quote = format == SLOWLOG_JSON ? "\"" : "";
	buf_add_str(out, quote);
	write_stamp(out, "%Y-%m-%dT%H:%M:%S", "Z", wall);
	buf_add_str(out, quote);
	lineout_string(line, "event", slice_of(event));
}

/* ---- statements ---------------------------------------------------------------------- */

/* "[2] INSERT ... (x500)" */
static void write_text_entry(const struct tap_text *t, struct slice shown, uint32_t number,
			     bool numbered, struct buf *out)
{
	if (number > 1)
		buf_add_str(out, " ");
	if (numbered)
		buf_addf(out, "[%" PRIu32 "] ", number);
	buf_add_slice(out, shown);
	if (t->times == 0)
		buf_add_str(out, " (parsed only)");
	if (t->kind == TEXTS_EXECUTE)
		buf_add_str(out, " (parsed earlier)");
	if (t->times > 1)
		buf_addf(out, " (x%" PRIu32 ")", t->times);
}

static uint32_t count_entries(struct slice texts)
{
	struct tap_text t;
	uint32_t n = 0;
	while (texts_next(&texts, &t))
		n++;
	return n;
}

/* All statements as running text, not escaped yet. True: something is not shown. */
static bool write_sql_text(const struct tap_record *r, struct buf *out)
{
	struct slowsql sql;
	struct tap_text t;
	struct buf shown = { 0 };
	uint32_t entries = count_entries(r->texts);
	uint32_t statements = slowsql_statements(r);
	if (entries > 1)
		buf_addf(out,
			 "%" PRIu32 " statements: ", statements > entries ? statements : entries);
	slowsql_begin(&sql, r);
	while (slowsql_next(&sql, &t, &shown))
		write_text_entry(&t, buf_slice(&shown), sql.entries, entries > 1, out);
	bool cut = slowsql_is_cut(&sql);
	if (cut && (sql.rest.len > 0 || !sql.cut)) /* there were more */
		buf_add_str(out, " ...");
	buf_fini(&shown);
	return cut;
}

/* A JSON list of them. */
static bool write_sql_json(const struct tap_record *r, struct buf *out)
{
	struct slowsql sql;
	struct tap_text t;
	struct buf shown = { 0 };
	slowsql_begin(&sql, r);
	buf_add_str(out, "[");
	while (slowsql_next(&sql, &t, &shown)) {
		struct lineout item;
		if (sql.entries > 1)
			buf_add_str(out, ",");
		lineout_begin(&item, out, LINEOUT_JSON);
		lineout_string(&item, "text", buf_slice(&shown));
		lineout_count(&item, "times", t.times);
		lineout_string(&item, "kind", slice_of(texts_kind_name(t.kind)));
		lineout_end(&item);
	}
	buf_add_str(out, "]");
	buf_fini(&shown);
	return slowsql_is_cut(&sql);
}

/* ---- one record ------------------------------------------------------------------------ */

static void write_flags(const struct tap_record *r, const char *between, struct buf *out)
{
	bool any = false;
	for (enum record_flag_bit bit = 0; bit < RECORD_FLAG_COUNT; bit++) {
		if (!(r->flags & (1u << bit)))
			continue;
		if (any)
			buf_add_str(out, between);
		buf_add_str(out, record_flag_word(bit));
		any = true;
	}
}

static void write_names(const struct tap_record *r, struct lineout *line)
{
	lineout_string(line, "db", r->database);
	lineout_string(line, "user", r->user);
	lineout_string(line, "client", r->client);
	lineout_string(line, "app", r->application_name);
}

static void write_tenths(struct buf *out, const char *before, usec_t value)
{
	buf_add_str(out, before);
	lineout_time(out, value, USEC_PER_MSEC, 1);
}

static void format_text(const struct tap_record *r, struct buf *out)
{
	struct lineout names;
	write_prefix(out, usec_after(r->started_wall_us, r->total_us), "SLOW");
	write_tenths(out, "", r->total_us);
	buf_add_str(out, " ms  ");
	lineout_begin(&names, out, LINEOUT_QUOTED);
	write_names(r, &names);
	buf_addf(out, " pid=%" PRId32, r->server_pid);
	write_tenths(out, "  waited=", r->wait_us);
	write_tenths(out, " first_byte=", r->first_byte_us);
	write_tenths(out, " server=", r->server_us);
	write_tenths(out, " client=", r->drain_us);
	buf_addf(out, " ms  rows=%" PRIu64 " in=%" PRIu64 " out=%" PRIu64, r->rows, r->bytes_in,
		 r->bytes_out);
	if (r->xact_age_us > 0) {
		buf_add_str(out, " xact=");
		lineout_time(out, r->xact_age_us, USEC_PER_SEC, 3);
		buf_add_str(out, " s");
	}
	if (r->sqlstate[0]) {
		buf_add_str(out, " error=");
		lineout_text(out, LINEOUT_QUOTED, slice_of(r->sqlstate));
	}
	if (r->flags & ((1u << RECORD_FLAG_COUNT) - 1))
		buf_add_str(out, " ");
	write_flags(r, " ", out);
	buf_add_str(out, "  ");
	struct buf sql = { 0 };
	write_sql_text(r, &sql);
	lineout_text(out, LINEOUT_PLAIN, buf_slice(&sql));
	buf_fini(&sql);
}

static void write_sql_field(const struct tap_record *r, struct lineout *line)
{
	struct buf sql = { 0 };
	bool json = line->style == LINEOUT_JSON;
	bool cut = json ? write_sql_json(r, &sql) : write_sql_text(r, &sql);
	lineout_bool(line, "cut", cut);
	if (json) {
		lineout_name(line, "sql");
		buf_add_slice(line->out, buf_slice(&sql));
	} else {
		lineout_string(line, "sql", buf_slice(&sql));
	}
	buf_fini(&sql);
}

static void format_fields(const struct tap_record *r, enum slowlog_format format, struct buf *out)
{
	struct lineout line;
	struct buf flags = { 0 };
	begin_fields(&line, format, usec_after(r->started_wall_us, r->total_us), "slow", out);
	write_names(r, &line);
	lineout_name(&line, "server_pid");
	buf_addf(out, "%" PRId32, r->server_pid);
	lineout_string(&line, "protocol", slice_of(record_protocol_name(r->protocol)));
	lineout_ms(&line, "total_ms", r->total_us);
	lineout_ms(&line, "wait_ms", r->wait_us);
	lineout_ms(&line, "first_byte_ms", r->first_byte_us);
	lineout_ms(&line, "server_ms", r->server_us);
	lineout_ms(&line, "client_ms", r->drain_us);
	lineout_ms(&line, "xact_age_ms", r->xact_age_us);
	lineout_count(&line, "rows", r->rows);
	lineout_count(&line, "in_bytes", r->bytes_in);
	lineout_count(&line, "out_bytes", r->bytes_out);
	lineout_count(&line, "statements", slowsql_statements(r));
	lineout_count(&line, "errors", r->errors);
	lineout_string(&line, "sqlstate", slice_of(r->sqlstate));
	write_flags(r, ",", &flags);
	lineout_string(&line, "flags", buf_slice(&flags));
	buf_fini(&flags);
	write_sql_field(r, &line);
	lineout_end(&line);
}

void slowlog_format(const struct tap_record *record, enum slowlog_format format, struct buf *out)
{
	if (format == SLOWLOG_TEXT)
		format_text(record, out);
	else
		format_fields(record, format, out);
}

/* ---- how many ---------------------------------------------------------------------------- */

static void leave_out(struct slowlog *log, uint64_t *what, uint64_t n, usec_t now)
{
	if (log->left_out == 0 && log->lost == 0)
		log->left_out_since = now;
	*what += n;
}

bool slowlog_admit(struct slowlog *log, usec_t now)
{
	if (log->rate == 0)
		return true;
	if (log->lines_in_window == 0 || now - log->window_start >= SLOWLOG_WINDOW_US) {
		log->window_start = now;
		log->lines_in_window = 0;
	}
	if (log->lines_in_window >= log->rate) {
		leave_out(log, &log->left_out, 1, now);
		return false;
	}
	log->lines_in_window++;
	return true;
}

void slowlog_lost(struct slowlog *log, uint64_t n, usec_t now)
{
	if (n > 0)
		leave_out(log, &log->lost, n, now);
}

usec_t slowlog_due(const struct slowlog *log)
{
	if (log->left_out == 0 && log->lost == 0)
		return USEC_NEVER;
	return usec_after(log->left_out_since, SLOWLOG_WINDOW_US);
}

bool slowlog_report(struct slowlog *log, enum slowlog_format format, usec_t wall, usec_t now,
		    bool final, struct buf *out)
{
	usec_t due = slowlog_due(log);
	if (due == USEC_NEVER || (now < due && !final))
		return false;
	usec_t span = now - log->left_out_since;
	if (format == SLOWLOG_TEXT) {
		write_prefix(out, wall, "LOG");
		buf_addf(out, "slow-query log: %" PRIu64 " statements left out in the last ",
			 log->left_out);
		lineout_time(out, span, USEC_PER_SEC, 1);
		buf_addf(out, " s, %" PRIu64 " lost", log->lost);
	} else {
		struct lineout line;
		begin_fields(&line, format, wall, "slow_left_out", out);
		lineout_count(&line, "left_out", log->left_out);
		lineout_count(&line, "lost", log->lost);
		lineout_name(&line, "seconds");
		lineout_time(out, span, USEC_PER_SEC, 1);
		lineout_end(&line);
	}
	log->left_out = log->lost = 0;
	return true;
}
