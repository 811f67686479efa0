/*
 * hba.c - the rules of an HBA file, and which of them a connection meets first.
 */
#include "auth/hba.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/hbaline.h"
#include "base/mem.h"

struct hba {
	atomic_uint refs;
	struct confmem mem;
	struct hba_rule *rules; /* in mem */
	size_t count;
};

const char *hba_type_name(enum hba_type type)
{
	static const char *const names[] = {
#define X(id, name) [HBA_TYPE_##id] = name,
		HBA_TYPES(X)
#undef X
	};
	return names[type];
}

const char *hba_method_name(enum hba_method method)
{
	static const char *const names[] = {
#define X(id, name) [HBA_METHOD_##id] = name,
		HBA_METHODS(X)
#undef X
	};
	return names[method];
}

/* ---- reading --------------------------------------------------------------------------------- */

static struct hba *hba_finish(struct hba *h, struct authlines *all)
{
	h->rules = confmem_alloc(&h->mem, (all->count + 1) * sizeof(*h->rules));
	for (size_t i = 0; i < all->count; i++) {
		/* counted even with a fault: what it has got so far has to be freed */
		(void)!hbaline_read(all, &all->lines[i], &h->rules[h->count]);
		h->count++;
	}
	if (!all->has_faults)
		return h;
	hba_unref(h);
	return NULL;
}

static struct hba *hba_new(void)
{
	struct hba *h = mem_zalloc(sizeof(*h));
	atomic_init(&h->refs, 1);
	return h;
}

struct hba *hba_load(const char *path, authlines_report_fn report, void *arg)
{
	struct hba *h = hba_new();
	struct authlines all;
	authlines_init(&all, &h->mem, report, arg);
	authlines_load(&all, path);
	return hba_finish(h, &all);
}

struct hba *hba_parse(struct slice text, const char *name, authlines_report_fn report, void *arg)
{
	struct hba *h = hba_new();
	struct authlines all;
	authlines_init(&all, &h->mem, report, arg);
	authlines_parse(&all, text, name);
	return hba_finish(h, &all);
}

struct hba *hba_ref(struct hba *h)
{
	if (h)
		atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
	return h;
}

void hba_unref(struct hba *h)
{
	if (!h || atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < h->count; i++)
		hbaline_fini(&h->rules[i]);
	confmem_fini(&h->mem);
	free(h);
}

/* ---- matching -------------------------------------------------------------------------------- */

static bool hba_fits_type(enum hba_type type, const struct hba_query *q)
{
	bool is_tcp = q->addr.kind == ADDR_V4 || q->addr.kind == ADDR_V6;
	switch (type) {
	case HBA_TYPE_LOCAL:
		return q->addr.kind == ADDR_UNIX;
	case HBA_TYPE_HOST:
	case HBA_TYPE_HOSTNOGSSENC:
		return is_tcp;
	case HBA_TYPE_HOSTSSL:
		return is_tcp && q->is_tls;
	case HBA_TYPE_HOSTNOSSL:
		return is_tcp && !q->is_tls;
	case HBA_TYPE_HOSTGSSENC:
		return false;
	}
	return false;
}

static bool hba_fits_address(const struct hba_rule *rule, const struct hba_query *q)
{
	const struct hba_scope *s = rule->scope;
	if (rule->type == HBA_TYPE_LOCAL || s->any_address)
		return true;
	for (size_t i = 0; i < s->net_count; i++)
		if (netblock_has(&s->nets[i], &q->addr))
			return true;
	return false;
}

/* `subject` is the database's or the user's name. */
static enum namepat_result hba_fits_name(const struct hbaline_name *name, const struct hba_query *q,
					 struct slice subject)
{
	switch (name->kind) {
	case HBALINE_ALL:
		return NAMEPAT_YES;
	case HBALINE_SAMEUSER:
		return slice_eq(q->database, q->user) ? NAMEPAT_YES : NAMEPAT_NO;
	case HBALINE_REPLICATION:
		return NAMEPAT_NO; /* of databases, and then only if is_replication */
	case HBALINE_PATTERN:
		return namepat_match(name->pattern, subject, NULL);
	case HBALINE_LITERAL:
		return slice_eq_str(subject, name->word->text) ? NAMEPAT_YES : NAMEPAT_NO;
	}
	return NAMEPAT_ERROR;
}

static enum namepat_result hba_fits_names(const struct hbaline_names *names,
					  const struct hba_query *q, struct slice subject)
{
	for (size_t i = 0; i < names->count; i++) {
		enum namepat_result result = hba_fits_name(&names->items[i], q, subject);
		if (result != NAMEPAT_NO)
			return result;
	}
	return NAMEPAT_NO;
}

static enum namepat_result hba_fits_database(const struct hbaline_names *names,
					     const struct hba_query *q)
{
	if (!q->is_replication) {
		enum namepat_result result = hba_fits_names(names, q, q->database);
		return result == NAMEPAT_NO && q->alias.len ? hba_fits_names(names, q, q->alias)
							    : result;
	}
	for (size_t i = 0; i < names->count; i++)
		if (names->items[i].kind == HBALINE_REPLICATION)
			return NAMEPAT_YES;
	return NAMEPAT_NO;
}

const struct hba_rule *hba_match(const struct hba *h, const struct hba_query *q)
{
	for (size_t i = 0; i < h->count; i++) {
		const struct hba_rule *rule = &h->rules[i];
		if (!hba_fits_type(rule->type, q) || !hba_fits_address(rule, q))
			continue;
		enum namepat_result result = hba_fits_database(&rule->scope->databases, q);
		if (result == NAMEPAT_YES)
			result = hba_fits_names(&rule->scope->users, q, q->user);
		if (result == NAMEPAT_YES)
			return rule;
		if (result == NAMEPAT_ERROR)
			return NULL; /* it might be the one that rejects */
	}
	return NULL;
}

void hba_refusal(const struct hba_rule *rule, const struct hba_query *q, struct buf *out)
{
	char host[ADDR_HOST_BYTES];
	bool is_local = q->addr.kind == ADDR_UNIX;
	buf_add_str(out, rule ? "pg_hba.conf rejects " : "no pg_hba.conf entry for ");
	if (q->is_replication)
		buf_add_str(out, "replication ");
	if (rule || q->is_replication)
		buf_add_str(out, rule ? "connection for " : "connection from ");
	buf_addf(out, "host \"%s\", user \"%.*s\"",
		 is_local ? "[local]" : addr_host(&q->addr, host), SLICE_ARGS(q->user));
	if (!q->is_replication)
		buf_addf(out, ", database \"%.*s\"", SLICE_ARGS(q->database));
	buf_add_str(out, q->is_tls ? ", SSL encryption" : ", no encryption");
}

/* ---- a look at it ---------------------------------------------------------------------------- */

size_t hba_count(const struct hba *h)
{
	return h->count;
}

const struct hba_rule *hba_rule_at(const struct hba *h, size_t i)
{
	BUG_ON(i >= h->count);
	return &h->rules[i];
}

static void hba_describe_names(const struct hbaline_names *names, struct buf *out)
{
	for (size_t i = 0; i < names->count; i++) {
		buf_u8(out, i ? ',' : ' ');
		authlines_write_word(names->items[i].word, out);
	}
}

static void hba_describe_option(const struct authlines_word *word, struct buf *out)
{
	struct authlines_word hidden = { .text = "ldapbindpasswd=*" };
	/* a URL may not have a password in it, but who knows what somebody writes there */
	bool is_secret = strncmp(word->text, "ldapbindpasswd=", 15) == 0 && word->text[15];
	buf_u8(out, ' ');
	authlines_write_word(is_secret ? &hidden : word, out);
}

void hba_describe(const struct hba_rule *rule, struct buf *out)
{
	const struct hba_scope *s = rule->scope;
	buf_add_str(out, hba_type_name(rule->type));
	hba_describe_names(&s->databases, out);
	hba_describe_names(&s->users, out);
	if (rule->type != HBA_TYPE_LOCAL)
		buf_addf(out, " %s", s->address);
	buf_addf(out, " %s", hba_method_name(rule->method));
	for (size_t i = 0; i < s->option_count; i++)
		for (size_t w = 0; w < s->options[i].count; w++)
			hba_describe_option(&s->options[i].words[w], out);
}
