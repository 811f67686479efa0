/*
 * lineout.c - fields, and the escapes that keep them apart.
 */
#include "advisor/lineout.h"

#include <inttypes.h>

/* ---- text ------------------------------------------------------------------------ */

/* A character that takes n bytes and can be shown: RFC 3629, without C1 controls. 0: none here. */
static size_t utf8_bytes(struct slice s, size_t i)
{
	unsigned char c = (unsigned char)s.ptr[i];
	size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (n == 1)
		return 1;
	if (c < 0xc2 || c > 0xf4 || n > s.len - i)
		return 0;
	unsigned char second = (unsigned char)s.ptr[i + 1];
	unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : c == 0xc2 ? 0xa0 : 0x80;
	unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (second < low || second > high)
		return 0;
	for (size_t k = 2; k < n; k++)
		if (((unsigned char)s.ptr[i + k] & 0xc0) != 0x80)
			return 0;
	return n;
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static void escape_control(struct buf *out, enum lineout_style style, unsigned char c)
{
	if (c == '\n')
		buf_add_str(out, "\\n");
	else if (c == '\r')
		buf_add_str(out, "\\r");
	else if (c == '\t')
		buf_add_str(out, "\\t");
	else if (style == LINEOUT_JSON)
		buf_addf(out, "\\u%04x", c);
	else
		buf_addf(out, "\\x%02x", c);
}

static bool needs_quotes(struct slice text)
{
	for (size_t i = 0, n; i < text.len; i += n) {
		unsigned char c = (unsigned char)text.ptr[i];
		n = utf8_bytes(text, i);
		if (n == 0 || is_control(c) || c == ' ' || c == '=' || c == '"' || c == '\\')
			return true;
	}
	return text.len == 0;
}

void lineout_text(struct buf *out, enum lineout_style style, struct slice text)
{
	bool quotes = style == LINEOUT_JSON || (style == LINEOUT_QUOTED && needs_quotes(text));
	if (quotes)
		buf_add_str(out, "\"");
	for (size_t i = 0; i < text.len;) {
		unsigned char c = (unsigned char)text.ptr[i];
		size_t n = utf8_bytes(text, i);
		if (n == 0) {
			buf_addf(out, style == LINEOUT_JSON ? "\\\\x%02x" : "\\x%02x", c);
			n = 1;
		} else if (is_control(c)) {
			escape_control(out, style, c);
		} else {
			if (quotes && (c == '"' || c == '\\'))
				buf_add_str(out, "\\");
			buf_add(out, text.ptr + i, n);
		}
		i += n;
	}
	if (quotes)
		buf_add_str(out, "\"");
}

void lineout_time(struct buf *out, usec_t value, usec_t unit, int decimals)
{
	usec_t scale = 1;
	for (int i = 0; i < decimals; i++)
		scale *= 10;
	if (value < 0)
		value = 0;
	usec_t part = value % unit * scale / unit;
	buf_addf(out, "%" PRId64 ".%0*" PRId64, value / unit, decimals, part);
}

/* ---- fields ----------------------------------------------------------------------- */

void lineout_begin(struct lineout *line, struct buf *out, enum lineout_style style)
{
	*line = (struct lineout){ .out = out, .style = style };
	if (style == LINEOUT_JSON)
		buf_add_str(out, "{");
}

void lineout_end(struct lineout *line)
{
	if (line->style == LINEOUT_JSON)
		buf_add_str(line->out, "}");
}

void lineout_name(struct lineout *line, const char *name)
{
	bool json = line->style == LINEOUT_JSON;
	if (line->any)
		buf_add_str(line->out, json ? "," : " ");
	line->any = true;
	buf_addf(line->out, json ? "\"%s\":" : "%s=", name);
}

void lineout_string(struct lineout *line, const char *name, struct slice value)
{
	lineout_name(line, name);
	lineout_text(line->out, line->style, value);
}

void lineout_count(struct lineout *line, const char *name, uint64_t value)
{
	lineout_name(line, name);
	buf_addf(line->out, "%" PRIu64, value);
}

void lineout_bool(struct lineout *line, const char *name, bool value)
{
	lineout_name(line, name);
	buf_add_str(line->out, value ? "true" : "false");
}

void lineout_ms(struct lineout *line, const char *name, usec_t value)
{
	lineout_name(line, name);
	lineout_time(line->out, value, USEC_PER_MSEC, 3);
}
