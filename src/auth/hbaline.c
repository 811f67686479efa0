/*
 * hbaline.c - reads a line: TYPE DATABASE USER [ADDRESS [MASK]] METHOD [OPTIONS].
 */
#include "auth/hbaline.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define HBALINE_MAX_LOCAL 1024 /* networks and addresses of this machine */

/* A line that is being read. */
struct hbaline {
	struct authlines *all;
	const struct authlines_line *line;
	size_t at; /* the next field */
	struct hba_rule *rule;
	struct hba_scope *scope;
};

PRINTF_LIKE(2, 3)
static bool hbaline_fault(struct hbaline *h, const char *fmt, ...)
{
	struct err err;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, ap);
	va_end(ap);
	authlines_fault(h->all, h->line->file, h->line->line, "%s", err.text);
	return false;
}

/* NULL: the line ends too early, which was reported. */
static const struct authlines_field *hbaline_next(struct hbaline *h, const char *what)
{
	if (h->at < h->line->count)
		return &h->line->fields[h->at++];
	hbaline_fault(h, "the line ends where %s should be", what);
	return NULL;
}

static const struct authlines_word *hbaline_next_one(struct hbaline *h, const char *what)
{
	const struct authlines_field *field = hbaline_next(h, what);
	if (!field || field->count == 1)
		return field ? field->words : NULL;
	hbaline_fault(h, "a list (\"%s,%s\") where %s should be", field->words[0].text,
		      field->words[1].text, what);
	return NULL;
}

/* ---- type and names -------------------------------------------------------------------------- */

static bool hbaline_read_type(struct hbaline *h)
{
	const struct authlines_word *word = hbaline_next_one(h, "the type");
	if (!word)
		return false;
#define X(id, name)                                                                                \
	if (strcmp(word->text, name) == 0) {                                                       \
		h->rule->type = HBA_TYPE_##id;                                                     \
		return true;                                                                       \
	}
	HBA_TYPES(X)
#undef X
	return hbaline_fault(h,
			     "there is no type \"%s\": it is local, host, hostssl, hostnossl, "
			     "hostgssenc or hostnogssenc",
			     word->text);
}

static bool hbaline_read_name(struct hbaline *h, bool is_database,
			      const struct authlines_word *word, struct hbaline_name *name)
{
	struct err err;
	*name = (struct hbaline_name){ .kind = HBALINE_LITERAL, .word = word };
	if (authlines_is_keyword(word, "all")) {
		name->kind = HBALINE_ALL;
	} else if (is_database && authlines_is_keyword(word, "sameuser")) {
		name->kind = HBALINE_SAMEUSER;
	} else if (is_database && authlines_is_keyword(word, "replication")) {
		name->kind = HBALINE_REPLICATION;
	} else if (is_database && (authlines_is_keyword(word, "samerole") ||
				   authlines_is_keyword(word, "samegroup"))) {
		return hbaline_fault(h, "%s: who is a member of which role is not known here",
				     word->text);
	} else if (!is_database && !word->is_quoted && word->text[0] == '+') {
		return hbaline_fault(h,
				     "%s: who is a member of which role is not known here; name "
				     "the users, or a file of them with @",
				     word->text);
	} else if (word->text[0] == '/') {
		name->kind = HBALINE_PATTERN;
		name->pattern = namepat_new(word->text + 1, &err);
		if (!name->pattern)
			return hbaline_fault(h, "the expression \"%s\": %s", word->text, err.text);
	}
	return true;
}

static bool hbaline_read_names(struct hbaline *h, bool is_database, struct hbaline_names *names)
{
	const struct authlines_field *field =
		hbaline_next(h, is_database ? "the database" : "the user");
	if (!field)
		return false;
	names->items = confmem_alloc(h->all->mem, field->count * sizeof(*names->items));
	for (size_t i = 0; i < field->count; i++) {
		if (!hbaline_read_name(h, is_database, &field->words[i], &names->items[i]))
			return false;
		names->count++;
	}
	return true;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static bool hbaline_read_local(struct hbaline *h, bool is_host)
{
	struct netblock *nets = confmem_alloc(h->all->mem, HBALINE_MAX_LOCAL * sizeof(*nets));
	h->scope->net_count = netblock_local(is_host, nets, HBALINE_MAX_LOCAL);
	h->scope->nets = nets;
	return h->scope->net_count < HBALINE_MAX_LOCAL ||
	       hbaline_fault(h, "this machine has too many addresses");
}

static bool hbaline_read_network(struct hbaline *h, const struct authlines_word *word)
{
	struct netblock *net = confmem_alloc(h->all->mem, sizeof(*net));
	char text[NETBLOCK_TEXT_BYTES];
	h->scope->nets = net;
	h->scope->net_count = 1;
	if (!netblock_parse(slice_of(word->text), net))
		return hbaline_fault(h,
				     "\"%s\" is not an address, ADDRESS/BITS, all, samehost or "
				     "samenet; host names are not looked up here",
				     word->text);
	if (!strchr(word->text, '/')) {
		const struct authlines_word *mask = hbaline_next_one(h, "the mask");
		if (!mask)
			return false;
		if (!netblock_parse_mask(slice_of(word->text), slice_of(mask->text), net))
			return hbaline_fault(h, "\"%s\" is not a mask for %s", mask->text,
					     word->text);
	}
	h->scope->address = confmem_str(h->all->mem, slice_of(netblock_text(net, text)));
	return true;
}

static bool hbaline_read_address(struct hbaline *h)
{
	const struct authlines_word *word = hbaline_next_one(h, "the address");
	if (!word)
		return false;
	h->scope->address = word->text;
	if (authlines_is_keyword(word, "all")) {
		h->scope->any_address = true;
		return true;
	}
	if (authlines_is_keyword(word, "samehost") || authlines_is_keyword(word, "samenet"))
		return hbaline_read_local(h, word->text[4] == 'h');
	return hbaline_read_network(h, word);
}

/* ---- the method and its options -------------------------------------------------------------- */

static bool hbaline_fits_type(struct hbaline *h)
{
	enum hba_type type = h->rule->type;
	if (h->rule->method == HBA_METHOD_PEER && type != HBA_TYPE_LOCAL)
		return hbaline_fault(h, "peer is for local lines: only the kernel of this machine "
					"knows who is at the other end");
	if (h->rule->method == HBA_METHOD_CERT && type != HBA_TYPE_HOSTSSL)
		return hbaline_fault(h, "cert is for hostssl lines");
	if (h->rule->method == HBA_METHOD_CERT)
		h->rule->clientcert = HBA_CLIENTCERT_FULL;
	return true;
}

static bool hbaline_read_method(struct hbaline *h)
{
	static const char *const others[] = { "ident", "gss", "sspi", "radius", "bsd", "oauth" };
	const struct authlines_word *word = hbaline_next_one(h, "the method");
	if (!word)
		return false;
	const char *text = word->text;
	if (strcmp(text, "plain") == 0)
		text = "password";
	if (strcmp(text, "ident") == 0 && h->rule->type == HBA_TYPE_LOCAL)
		text = "peer";
#define X(id, name)                                                                                \
	if (strcmp(text, name) == 0) {                                                             \
		h->rule->method = HBA_METHOD_##id;                                                 \
		return hbaline_fits_type(h);                                                       \
	}
	HBA_METHODS(X)
#undef X
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(text, others[i]) == 0)
			return hbaline_fault(h, "the method %s is not offered", text);
	return hbaline_fault(h, "there is no method \"%s\"", text);
}

static bool hbaline_set_flag(struct hbaline *h, const char *name, struct slice value, bool *flag)
{
	*flag = slice_eq_str(value, "1");
	return *flag || slice_eq_str(value, "0") || hbaline_fault(h, "%s is 1 or 0", name);
}

static bool hbaline_set_clientcert(struct hbaline *h, struct slice value)
{
	enum hba_clientcert old = h->rule->clientcert;
	if (slice_eq_str(value, "verify-ca"))
		h->rule->clientcert = HBA_CLIENTCERT_CA;
	else if (slice_eq_str(value, "verify-full"))
		h->rule->clientcert = HBA_CLIENTCERT_FULL;
	else
		return hbaline_fault(h, "clientcert is verify-ca or verify-full, not \"%.*s\"",
				     SLICE_ARGS(value));
	return h->rule->clientcert >= old ||
	       hbaline_fault(h, "with cert, clientcert can only be verify-full");
}

static bool hbaline_set_clientname(struct hbaline *h, struct slice value)
{
	h->rule->clientname_is_dn = slice_eq_str(value, "DN");
	return h->rule->clientname_is_dn || slice_eq_str(value, "CN") ||
	       hbaline_fault(h, "clientname is CN or DN, not \"%.*s\"", SLICE_ARGS(value));
}

static bool hbaline_set_ldap(struct hbaline *h, struct slice name, struct slice value)
{
	struct err err;
	return ldapopts_set(&h->rule->ldap, name, value, h->all->mem, &err) ||
	       hbaline_fault(h, "%s", err.text);
}

/* Is the option one for this line? If not, that was reported. */
static bool hbaline_is_for(struct hbaline *h, struct slice name, bool is_for, const char *whom)
{
	return is_for || hbaline_fault(h, "%.*s is for %s", SLICE_ARGS(name), whom);
}

static bool hbaline_set(struct hbaline *h, struct slice name, struct slice value)
{
	struct hba_rule *r = h->rule;
	bool is_tls = r->type == HBA_TYPE_HOSTSSL, is_pam = r->method == HBA_METHOD_PAM;
	bool has_map = r->method == HBA_METHOD_PEER || r->method == HBA_METHOD_CERT;
	if (slice_eq_str(name, "map")) {
		r->map = confmem_str(h->all->mem, value);
		return hbaline_is_for(h, name, has_map, "peer and cert");
	}
	if (slice_eq_str(name, "clientcert"))
		return hbaline_is_for(h, name, is_tls, "hostssl lines") &&
		       hbaline_set_clientcert(h, value);
	if (slice_eq_str(name, "clientname"))
		return hbaline_is_for(h, name, is_tls, "hostssl lines") &&
		       hbaline_set_clientname(h, value);
	if (slice_eq_str(name, "pamservice")) {
		r->pam_service = confmem_str(h->all->mem, value);
		return hbaline_is_for(h, name, is_pam, "pam");
	}
	if (slice_eq_str(name, "pam_use_hostname"))
		return hbaline_is_for(h, name, is_pam, "pam") &&
		       hbaline_set_flag(h, "pam_use_hostname", value, &r->pam_use_hostname);
	if (ldapopts_is_name(name))
		return hbaline_is_for(h, name, r->method == HBA_METHOD_LDAP, "ldap") &&
		       hbaline_set_ldap(h, name, value);
	return hbaline_fault(h, "there is no option \"%.*s\"", SLICE_ARGS(name));
}

static bool hbaline_read_options(struct hbaline *h)
{
	h->scope->options = h->line->fields + h->at;
	h->scope->option_count = h->line->count - h->at;
	for (; h->at < h->line->count; h->at++) {
		const struct authlines_field *field = &h->line->fields[h->at];
		for (size_t i = 0; i < field->count; i++) {
			const char *text = field->words[i].text, *equals = strchr(text, '=');
			if (!equals)
				return hbaline_fault(h, "the option \"%s\" is not NAME=VALUE",
						     text);
			struct slice name = slice_make(text, (size_t)(equals - text));
			if (!hbaline_set(h, name, slice_of(equals + 1)))
				return false;
		}
	}
	return true;
}

static bool hbaline_check(struct hbaline *h)
{
	struct err err;
	if (h->rule->method != HBA_METHOD_LDAP)
		return true;
	if (*h->rule->ldap.bindpasswd && h->line->is_readable_by_all)
		authlines_warn(h->all, h->line->file, h->line->line,
			       "ldapbindpasswd is in a file that anybody can read: chmod o-r it");
	return ldapopts_check(&h->rule->ldap, &err) || hbaline_fault(h, "%s", err.text);
}

/* ---- the line -------------------------------------------------------------------------------- */

bool hbaline_read(struct authlines *all, const struct authlines_line *line, struct hba_rule *rule)
{
	struct hba_scope *scope = confmem_alloc(all->mem, sizeof(*scope));
	struct hbaline h = { .all = all, .line = line, .rule = rule, .scope = scope };
	*rule = (struct hba_rule){
		.map = "", .pam_service = "", .file = line->file, .line = line->line, .scope = scope
	};
	ldapopts_init(&rule->ldap);
	scope->address = "";
	return hbaline_read_type(&h) && hbaline_read_names(&h, true, &scope->databases) &&
	       hbaline_read_names(&h, false, &scope->users) &&
	       (rule->type == HBA_TYPE_LOCAL || hbaline_read_address(&h)) &&
	       hbaline_read_method(&h) && hbaline_read_options(&h) && hbaline_check(&h);
}

static void hbaline_free_patterns(const struct hbaline_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		namepat_free(names->items[i].pattern);
}

void hbaline_fini(struct hba_rule *rule)
{
	hbaline_free_patterns(&rule->scope->databases);
	hbaline_free_patterns(&rule->scope->users);
}
