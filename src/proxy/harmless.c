/*
 * harmless.c - which calls have been found to leave nothing.
 */
#include "proxy/harmless.h"

#include "sql/fingerprint.h"

#define HARMLESS_GUILTY (HARMLESS_TIMES + 1)

/* What the map holds for a shape: how often it was clean, and one, since it holds no NULL. */
static void *harmless_count(uintptr_t times)
{
	return (void *)(times + 1);
}

static struct slice harmless_key(const uint64_t *shape)
{
	return slice_make(shape, sizeof(*shape));
}

static uintptr_t harmless_get(const struct harmless *h, const uint64_t *shape)
{
	void *there = map_get(&h->shapes, harmless_key(shape));
	return there ? (uintptr_t)there - 1 : 0;
}

void harmless_init(struct harmless *h)
{
	*h = (struct harmless){ 0 };
	map_init(&h->shapes);
	map_init(&h->settings);
}

void harmless_fini(struct harmless *h)
{
	map_fini(&h->shapes);
	map_fini(&h->settings);
	buf_fini(&h->scratch);
}

bool harmless_is(struct harmless *h, struct slice statement, struct lexer_mode mode)
{
	if (map_count(&h->shapes) == 0 || statement.len > FINGERPRINT_MAX_BYTES)
		return false;
	uint64_t shape = fingerprint_of(statement, mode, &h->scratch);
	return harmless_get(h, &shape) == HARMLESS_TIMES;
}

void harmless_try(struct harmless *h, struct harmless_tried *tried, struct slice statement,
		  struct lexer_mode mode)
{
	if (tried->count == HARMLESS_TRIED_MAX || statement.len > FINGERPRINT_MAX_BYTES) {
		tried->too_many = true;
		return;
	}
	tried->shapes[tried->count++] = fingerprint_of(statement, mode, &h->scratch);
}

void harmless_was(struct harmless *h, struct harmless_tried *tried, bool clean)
{
	for (size_t i = 0; i < tried->count; i++) {
		uintptr_t times = harmless_get(h, &tried->shapes[i]);
		uintptr_t then = times;
		if (!clean)
			then = HARMLESS_GUILTY;
		else if (times < HARMLESS_TIMES)
			then = times + 1;
		if (map_count(&h->shapes) >= HARMLESS_MAX_SHAPES && times == 0)
			continue; /* it is asked about for ever */
		map_put(&h->shapes, harmless_key(&tried->shapes[i]), harmless_count(then));
	}
	*tried = (struct harmless_tried){ 0 };
}

void harmless_forget(struct harmless *h)
{
	map_fini(&h->shapes);
	map_init(&h->shapes);
}

void harmless_know_setting(struct harmless *h, struct slice name)
{
	if (map_count(&h->settings) < HARMLESS_MAX_SETTINGS)
		map_put(&h->settings, name, h);
}
