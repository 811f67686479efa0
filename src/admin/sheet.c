/*
 * sheet.c - the table of sheets.def, and values in the two formats that the protocol has.
 */
#include "admin/sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/show_rows.h"
#include "base/usec.h"

#define SHEET(id, name, needs, text) static const struct sheet_column sheet_columns_##id[] = {
#define COLUMN(row, field, name, type, kind, text)                                                 \
	{ { name, BUILD_##type }, SHEET_##kind, offsetof(struct row, field), text },
#define SHEET_END()                                                                                \
	}                                                                                          \
	;
#include "admin/sheets.def"
#undef SHEET
#undef COLUMN
#undef SHEET_END

static const struct sheet sheet_table[] = {
#define SHEET(id, name, needs, text)                                                               \
	{ name, needs, text, sheet_columns_##id, COUNT_OF(sheet_columns_##id) },
#define COLUMN(row, field, name, type, kind, text)
#define SHEET_END()
#include "admin/sheets.def"
#undef SHEET
#undef COLUMN
#undef SHEET_END
};

const struct sheet *sheet_get(enum sheet_id id)
{
	return id < SHEET_ID_COUNT ? &sheet_table[id] : NULL;
}

/* ---- what a field says ---------------------------------------------------------------------- */

/* A value is a number or a text. */
struct sheet_value {
	bool is_number;
	int64_t number;
	struct slice text; /* ptr NULL: null */
	char room[64];     /* for a text that is made */
};

static void sheet_number(struct sheet_value *v, int64_t number)
{
	v->is_number = true;
	v->number = number;
}

static void sheet_text(struct sheet_value *v, const char *text)
{
	v->text = slice_of(text ? text : "");
}

static void sheet_wall(struct sheet_value *v, usec_t wall)
{
	struct tm tm;
	time_t seconds = (time_t)(wall / USEC_PER_SEC);
	size_t n = 0;
	if (wall > 0 && localtime_r(&seconds, &tm))
		n = strftime(v->room, sizeof(v->room), "%Y-%m-%d %H:%M:%S %Z", &tm);
	v->text = slice_make(v->room, n);
}

static void sheet_ptr(struct sheet_value *v, uint64_t ptr)
{
	int n = ptr ? snprintf(v->room, sizeof(v->room), "0x%" PRIx64, ptr) : 0;
	v->text = slice_make(v->room, (size_t)n);
}

static void sheet_usec(struct sheet_value *v, enum sheet_kind kind, usec_t us)
{
	if (kind == SHEET_SECONDS && us == USEC_NEVER)
		us = 0;
	sheet_number(v, kind == SHEET_REST_US ? us % USEC_PER_SEC : us / USEC_PER_SEC);
}

/* A bool, as the kind has it. */
static void sheet_flag(struct sheet_value *v, enum sheet_kind kind, bool flag)
{
	static const char *const words[SHEET_KIND_COUNT][2] = {
		[SHEET_YES_NO] = { "no", "yes" },
		[SHEET_CONN_TYPE] = { "C", "S" },
		[SHEET_REPLICATION] = { "none", "yes" },
	};
	if (kind == SHEET_BIT)
		sheet_number(v, flag);
	else
		sheet_text(v, words[kind][flag]);
}

static void sheet_read(const struct sheet_column *c, const void *row, struct sheet_value *v)
{
	const void *at = (const char *)row + c->at;
	v->is_number = false;
	switch (c->kind) {
	case SHEET_STRING:
		sheet_text(v, *(const char *const *)at);
		break;
	case SHEET_STRING_OR_NULL:
		sheet_text(v, *(const char *const *)at);
		if (v->text.len == 0)
			v->text = SLICE_NONE;
		break;
	case SHEET_CHARS:
		sheet_text(v, at);
		break;
	case SHEET_INT:
		sheet_number(v, *(const int *)at);
		break;
	case SHEET_U64:
		sheet_number(v, (int64_t) * (const uint64_t *)at);
		break;
	case SHEET_PTR:
		sheet_ptr(v, *(const uint64_t *)at);
		break;
	case SHEET_WALL:
		sheet_wall(v, *(const usec_t *)at);
		break;
	case SHEET_SECONDS:
	case SHEET_WHOLE_SECONDS:
	case SHEET_REST_US:
		sheet_usec(v, c->kind, *(const usec_t *)at);
		break;
	case SHEET_ZERO:
		sheet_number(v, 0);
		break;
	case SHEET_BIT:
	case SHEET_YES_NO:
	case SHEET_CONN_TYPE:
	case SHEET_REPLICATION:
		sheet_flag(v, c->kind, *(const bool *)at);
		break;
	case SHEET_KIND_COUNT:
		BUG_ON(true);
	}
}

uint64_t sheet_u64(const struct sheet_column *column, const void *row)
{
	BUG_ON(column->kind != SHEET_U64);
	return *(const uint64_t *)(const void *)((const char *)row + column->at);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* PostgreSQL's binary form of a whole number of the type numeric: digits to the base of 10000. */
static void sheet_numeric(struct buf *out, int64_t number)
{
	uint16_t digits[5];
	size_t n = 0, skip = 0;
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	for (; left; left /= 10000)
		digits[n++] = (uint16_t)(left % 10000);
	while (skip < n && digits[skip] == 0)
		skip++;
	buf_u32(out, (uint32_t)(8 + 2 * (n - skip)));
	buf_u16(out, (uint16_t)(n - skip));
	buf_u16(out, (uint16_t)(n ? n - 1 : 0)); /* the first digit's weight */
	buf_u16(out, number < 0 ? 0x4000 : 0);
	buf_u16(out, 0); /* digits behind the point */
	while (n > skip)
		buf_u16(out, digits[--n]);
}

static void sheet_number_binary(struct buf *out, enum build_type type, int64_t number)
{
	uint64_t bits = (uint64_t)number;
	switch (type) {
	case BUILD_INT4:
		buf_u32(out, 4);
		buf_u32(out, (uint32_t)bits);
		break;
	case BUILD_INT8:
		buf_u32(out, 8);
		buf_u32(out, (uint32_t)(bits >> 32));
		buf_u32(out, (uint32_t)bits);
		break;
	case BUILD_NUMERIC:
		sheet_numeric(out, number);
		break;
	case BUILD_TEXT:
	case BUILD_BOOL:
	case BUILD_FLOAT8:
		BUG_ON(true); /* no column has a number of this type */
	}
}

void sheet_write(const struct sheet *sheet, uint64_t binary, const void *row, struct buf *out)
{
	size_t at = build_row_begin(out, sheet->column_count);
	for (size_t i = 0; i < sheet->column_count; i++) {
		const struct sheet_column *c = &sheet->columns[i];
		struct sheet_value v;
		sheet_read(c, row, &v);
		if (!v.is_number)
			build_value(out, v.text); /* in either format the same */
		else if (binary >> i & 1)
			sheet_number_binary(out, c->column.type, v.number);
		else
			build_valuef(out, "%" PRId64, v.number);
	}
	build_end(out, at);
}

/* The format of a column stands in the last two bytes of its description. */
static void sheet_mark_binary(char *description, size_t columns, uint64_t binary)
{
	enum { HEAD = 7, BEHIND_NAME = 18 };
	char *at = description + HEAD;
	for (size_t i = 0; i < columns; i++) {
		at += strlen(at) + 1 + BEHIND_NAME;
		at[-1] = (char)(binary >> i & 1);
	}
}

void sheet_describe(const struct sheet *sheet, uint64_t binary, struct buf *out)
{
	struct build_column columns[SHEET_MAX_COLUMNS];
	size_t before = buf_len(out);
	BUG_ON(sheet->column_count > SHEET_MAX_COLUMNS);
	for (size_t i = 0; i < sheet->column_count; i++)
		columns[i] = sheet->columns[i].column;
	build_row_description(out, columns, sheet->column_count);
	if (!buf_failed(out))
		sheet_mark_binary(out->data + out->start + before, sheet->column_count, binary);
}
