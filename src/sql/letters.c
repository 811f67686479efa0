/*
 * letters.c - letters in each of PostgreSQL's encodings; the rules are those of its wchar.c.
 */
#include "sql/letters.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"

/* The bytes of a letter whose first is c, which is beyond ASCII, and whose second is `next`. */
typedef size_t (*letters_bytes_fn)(uint8_t c, uint8_t next);

static size_t letters_single(uint8_t c, uint8_t next)
{
	(void)c, (void)next;
	return 1;
}

static size_t letters_pair(uint8_t c, uint8_t next)
{
	(void)c, (void)next;
	return 2;
}

static size_t letters_utf8(uint8_t c, uint8_t next)
{
	(void)next;
	if ((c & 0xe0) == 0xc0)
		return 2;
	if ((c & 0xf0) == 0xe0)
		return 3;
	return (c & 0xf8) == 0xf0 ? 4 : 1;
}

/* SS2 and SS3 begin letters of other sets. */
static size_t letters_euc(uint8_t c, uint8_t next)
{
	(void)next;
	return c == 0x8f ? 3 : 2;
}

static size_t letters_euc_tw(uint8_t c, uint8_t next)
{
	(void)next;
	if (c == 0x8e)
		return 4;
	return c == 0x8f ? 3 : 2;
}

static size_t letters_sjis(uint8_t c, uint8_t next)
{
	(void)next;
	return c >= 0xa1 && c <= 0xdf ? 1 : 2;
}

static size_t letters_gb18030(uint8_t c, uint8_t next)
{
	(void)c;
	return next >= 0x30 && next <= 0x39 ? 4 : 2;
}

static size_t letters_mule(uint8_t c, uint8_t next)
{
	(void)next;
	if (c >= 0x81 && c <= 0x8d)
		return 2;
	if (c >= 0x90 && c <= 0x9b)
		return 3;
	return c == 0x9c || c == 0x9d ? 4 : 1;
}

static const struct {
	const char *encoding;
	letters_bytes_fn bytes;
} letters_rows[] = {
	{ "UTF8", letters_utf8 },          { "BIG5", letters_pair },
	{ "EUC_CN", letters_pair },        { "EUC_JIS_2004", letters_euc },
	{ "EUC_JP", letters_euc },         { "EUC_KR", letters_euc },
	{ "EUC_TW", letters_euc_tw },      { "GB18030", letters_gb18030 },
	{ "GBK", letters_pair },           { "JOHAB", letters_euc },
	{ "MULE_INTERNAL", letters_mule }, { "SHIFT_JIS_2004", letters_sjis },
	{ "SJIS", letters_sjis },          { "UHC", letters_pair },
};

static letters_bytes_fn letters_of(struct slice encoding)
{
	for (size_t i = 0; i < COUNT_OF(letters_rows); i++)
		if (slice_ieq_str(encoding, letters_rows[i].encoding))
			return letters_rows[i].bytes;
	return letters_single;
}

/* Letters of JIS X 0213 that are two in UTF8, as they are in each of its encodings. */
static const struct {
	uint16_t euc, sjis; /* the first of so many: */
	uint16_t count;
} letters_combined[] = {
	{ 0xa4f7, 0x82f5, 5 }, { 0xa5f7, 0x8397, 8 }, { 0xa6f8, 0x83f6, 1 },
	{ 0xabc4, 0x8663, 1 }, { 0xabc8, 0x8667, 8 }, { 0xabe5, 0x8685, 2 },
};

static bool letters_are_two(uint8_t c, uint8_t next, bool is_sjis)
{
	uint16_t letter = (uint16_t)(c << 8 | next);
	for (size_t i = 0; i < COUNT_OF(letters_combined); i++) {
		uint16_t first = is_sjis ? letters_combined[i].sjis : letters_combined[i].euc;
		if (letter >= first && letter < first + letters_combined[i].count)
			return true;
	}
	return false;
}

size_t letters_count(struct slice text, struct slice client, struct slice server)
{
	/* then nothing is converted, and it is taken for what the server has */
	bool is_raw = slice_ieq_str(client, "SQL_ASCII") || slice_ieq_str(server, "SQL_ASCII");
	bool is_sjis = slice_ieq_str(client, "SHIFT_JIS_2004");
	bool combines =
		(is_sjis || slice_ieq_str(client, "EUC_JIS_2004")) && slice_ieq_str(server, "UTF8");
	letters_bytes_fn bytes = letters_of(is_raw ? server : client);
	size_t letters = 0;
	for (size_t i = 0; i < text.len; letters++) {
		uint8_t c = (uint8_t)text.ptr[i];
		uint8_t next = i + 1 < text.len ? (uint8_t)text.ptr[i + 1] : 0;
		letters += combines && letters_are_two(c, next, is_sjis);
		i += c < 0x80 ? 1 : bytes(c, next);
	}
	return letters;
}
