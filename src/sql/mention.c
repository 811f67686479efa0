/*
 * mention.c - names with a dot, by what stands before them.
 */
#include "sql/mention.h"

enum mention_before {
	BEFORE_OTHER,
	BEFORE_QUOTE, /* right in front */
	BEFORE_SET,   /* SET, SET SESSION, and space */
};

static bool mention_begins(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool mention_goes_on(char c)
{
	return mention_begins(c) || (c >= '0' && c <= '9') || c == '$';
}

/* How long the word at the front is, and whether it has a dot in it. */
static size_t mention_word(struct slice text, bool *is_dotted)
{
	size_t n = 0;
	*is_dotted = false;
	while (n < text.len) {
		if (text.ptr[n] == '.' && n + 1 < text.len && mention_begins(text.ptr[n + 1]))
			*is_dotted = true;
		else if (!mention_goes_on(text.ptr[n]))
			break;
		n++;
	}
	return n;
}

static enum mention_before mention_behind(enum mention_before before, struct slice word)
{
	if (slice_ieq_str(word, "set") || (before == BEFORE_SET && slice_ieq_str(word, "session")))
		return BEFORE_SET;
	return BEFORE_OTHER;
}

bool mention_next(struct slice *rest, struct slice *name)
{
	enum mention_before before = BEFORE_OTHER;
	while (rest->len) {
		char c = rest->ptr[0];
		if (!mention_goes_on(c)) {
			bool is_space = c == ' ' || (c >= '\t' && c <= '\r');
			if (c == '\'')
				before = BEFORE_QUOTE;
			else if (!is_space || before == BEFORE_QUOTE)
				before = BEFORE_OTHER;
			*rest = slice_skip(*rest, 1);
			continue;
		}
		bool is_dotted;
		struct slice word = slice_head(*rest, mention_word(*rest, &is_dotted));
		*rest = slice_skip(*rest, word.len);
		if (is_dotted && before != BEFORE_OTHER && mention_begins(c)) {
			*name = word;
			return true;
		}
		before = mention_behind(before, word);
	}
	return false;
}
