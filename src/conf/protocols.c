/*
 * protocols.c - see protocols.h.
 */
#include "conf/protocols.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"

static const struct {
	const char *word;
	unsigned set;
} protocols_words[] = {
	{ "tlsv1.0", PROTOCOLS_10 },     { "tlsv1.1", PROTOCOLS_11 },
	{ "tlsv1.2", PROTOCOLS_12 },     { "tlsv1.3", PROTOCOLS_13 },
	{ "tlsv1", PROTOCOLS_ALL },      { "all", PROTOCOLS_ALL },
	{ "legacy", PROTOCOLS_ALL },     { "secure", PROTOCOLS_SECURE },
	{ "default", PROTOCOLS_SECURE },
};

static unsigned protocols_word(struct slice word)
{
	for (size_t i = 0; i < COUNT_OF(protocols_words); i++)
		if (slice_ieq_str(word, protocols_words[i].word))
			return protocols_words[i].set;
	return 0;
}

static size_t protocols_word_bytes(struct slice text)
{
	size_t n = 0;
	while (n < text.len && text.ptr[n] != ',' && text.ptr[n] != ':' && text.ptr[n] != ' ')
		n++;
	return n;
}

unsigned protocols_parse(struct slice text)
{
	unsigned set = 0;
	if (text.len == 0)
		return PROTOCOLS_SECURE;
	while (text.len > 0) {
		struct slice word = slice_head(text, protocols_word_bytes(text));
		text = slice_skip(text, word.len < text.len ? word.len + 1 : word.len);
		bool takes_out = slice_starts(word, "!");
		unsigned these = protocols_word(takes_out ? slice_skip(word, 1) : word);
		if (word.len > 0 && !these)
			return 0;
		set = takes_out ? set & ~these : set | these;
	}
	return set;
}

static const char *const protocols_libpq[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };

static unsigned protocols_index(unsigned set)
{
	unsigned i = 0;
	while (!(set >> i & 1))
		i++;
	return i;
}

const char *protocols_least(unsigned set)
{
	if (!set)
		return NULL;
	unsigned from = protocols_index(set);
	unsigned run = set >> from;
	return run & (run + 1) ? NULL : protocols_libpq[from];
}

const char *protocols_most(unsigned set)
{
	if (!protocols_least(set))
		return NULL;
	unsigned i = protocols_index(set);
	while (set >> (i + 1))
		i++;
	return protocols_libpq[i];
}
