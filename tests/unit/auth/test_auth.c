/*
 * test_auth.c - logins of clients by every method, by those who are right, wrong and unknown.
 *
 * The client is scram_client.c where it is SCRAM, and bytes by hand for what no client sends.
 */
#include "auth/auth.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/base64.h"
#include "auth/md5.h"
#include "auth/scram_client.h"
#include "base/vault.h"
#include "check_auth.h"

#define USER KNOWN_MD5_USER

static struct auth_mock mock;
static bool like_scram;
static struct slice binding; /* of the logins that begin now */

/* One login: what happened, a letter per thing: the code of each 'R' in hex, w for work. */
struct login {
	struct auth_exchange *ex;
	struct buf out, text;
	enum auth_status status;
	char trace[32];
};

static void make_mock(void)
{
	like_scram = false;
	binding = SLICE_NONE;
	ck_assert(auth_mock_init(&mock));
}

static void note(struct login *l, char c)
{
	size_t n = strlen(l->trace);
	ck_assert_uint_lt(n, sizeof(l->trace) - 1);
	l->trace[n] = c;
	l->trace[n + 1] = '\0';
}

/* The next 'R', noted; what follows its code is in l->text. */
static void hear(struct login *l)
{
	note(l, "0123456789abcdef"[peer_take_auth(&l->out, &l->text) & 15]);
}

static void begin(struct login *l, enum auth_method method, const char *secret_text)
{
	*l = (struct login){ 0 };
	struct secret *secret = secret_text ? secret_new(slice_of(secret_text)) : NULL;
	l->ex = auth_new(&(struct auth_request){ .method = method,
						 .user = SLICE(USER),
						 .secret = secret,
						 .mock = &mock,
						 .like_scram = like_scram,
						 .binding = binding });
	secret_unref(secret); /* the exchange has its own reference */
	l->status = auth_start(l->ex, &l->out);
}

static void end(struct login *l)
{
	auth_free(l->ex);
	buf_fini(&l->out);
	buf_fini(&l->text);
}

static void say(struct login *l, struct slice body)
{
	char *copy = malloc(body.len ? body.len : 1); /* exactly as long as it is */
	memcpy(copy, body.ptr, body.len);
	l->status = auth_step(l->ex, slice_make(copy, body.len), &l->out);
	free(copy);
	if (l->status != AUTH_WORK)
		return;
	note(l, 'w');
	ck_assert_uint_eq(buf_len(&l->out), 0);
	auth_work(l->ex);
	l->status = auth_resume(l->ex, &l->out);
}

static void say_str(struct login *l, const char *text) /* with its zero */
{
	say(l, slice_make(text, strlen(text) + 1));
}

static void scram(struct login *l, const char *password)
{
	struct scram_client *c = scram_client_new_password(slice_of(password), NULL);
	struct buf answer = { 0 }, body = { 0 };
	enum scram_client_status status = SCRAM_CLIENT_MORE;
	while (buf_len(&l->out) && status == SCRAM_CLIENT_MORE) {
		struct buf message = { 0 };
		uint32_t code = peer_take_auth(&l->out, &l->text);
		note(l, "0123456789abcdef"[code & 15]);
		buf_u32(&message, code);
		buf_add_slice(&message, buf_slice(&l->text));
		status = scram_client_step(c, buf_slice(&message), &answer);
		buf_fini(&message);
		if (buf_len(&answer)) {
			ck_assert_int_eq(peer_take(&answer, &body), 'p');
			say(l, buf_slice(&body));
		}
	}
	ck_assert_int_eq(l->status == AUTH_OK, status == SCRAM_CLIENT_DONE);
	scram_client_free(c);
	buf_fini(&answer);
	buf_fini(&body);
}

static void md5(struct login *l, const char *user, const char *password)
{
	char hex[MD5_HEX_BYTES + 1], answer[MD5_ANSWER_BYTES + 1];
	hear(l);
	ck_assert_uint_eq(buf_len(&l->text), MD5_SALT_BYTES);
	ck_assert(md5_of_password(slice_of(password), slice_of(user), hex));
	ck_assert(md5_answer(hex, (const uint8_t *)buf_slice(&l->text).ptr, answer));
	say_str(l, answer);
	if (l->status == AUTH_OK)
		hear(l);
}

static void plain(struct login *l, const char *password)
{
	hear(l);
	say_str(l, password);
	if (l->status == AUTH_OK)
		hear(l);
}

/* ---- who gets in, and how ------------------------------------------------------------ */

static void run(struct login *l, const char *password)
{
	enum auth_method method = AUTH_METHOD_TRUST;
	if (buf_len(&l->out) > 8) {
		uint8_t code = (uint8_t)buf_slice(&l->out).ptr[8];
		method = code == 3   ? AUTH_METHOD_PLAIN
			 : code == 5 ? AUTH_METHOD_MD5
				     : AUTH_METHOD_SCRAM;
		if (code == 0)
			method = AUTH_METHOD_TRUST;
	}
	switch (method) {
	case AUTH_METHOD_TRUST:
		hear(l);
		break;
	case AUTH_METHOD_PLAIN:
	case AUTH_METHOD_JUDGED:
		plain(l, password);
		break;
	case AUTH_METHOD_MD5:
		md5(l, USER, password);
		break;
	case AUTH_METHOD_SCRAM:
		scram(l, password);
		break;
	}
}

#define SCRAM_SECRET                                                                               \
	"SCRAM-SHA-256$4096:4couKAzy2Mlw4nyVBPcAEA==$73X+hmpqdxtP3XULrKUKjCGN7J7onbNp"             \
	"5layXfJxSc4=:f/8fOZncXfGQw2Y1H9SA+yZGBWfjnmcH9sUAuJitMO4="
#define OTHER "something else"

static const struct {
	enum auth_method method;
	const char *secret, *password, *trace;
	enum auth_status status;
	const char *reason;
} logins[] = {
	{ AUTH_METHOD_TRUST, NULL, "", "0", AUTH_OK, "" },
	{ AUTH_METHOD_TRUST, "x", "", "0", AUTH_OK, "" },

	{ AUTH_METHOD_PLAIN, "secret", "secret", "30", AUTH_OK, "" },
	{ AUTH_METHOD_PLAIN, "secret", OTHER, "3w", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_PLAIN, "secret", "", "3w", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_PLAIN, "secret", "secre", "3w", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_PLAIN, KNOWN_MD5, KNOWN_MD5_PASSWORD, "30", AUTH_OK, "" },
	{ AUTH_METHOD_PLAIN, KNOWN_MD5, OTHER, "3w", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_PLAIN, KNOWN_MD5, KNOWN_MD5, "3w", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_PLAIN, SCRAM_SECRET, "secret", "3w0", AUTH_OK, "" },
	{ AUTH_METHOD_PLAIN, SCRAM_SECRET, OTHER, "3w", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_PLAIN, SCRAM_SECRET, SCRAM_SECRET, "3w", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_PLAIN, NULL, OTHER, "3w", AUTH_REFUSED, "no such user" },
	{ AUTH_METHOD_PLAIN, "", "", "3w", AUTH_REFUSED, "empty" },

	{ AUTH_METHOD_MD5, KNOWN_MD5, KNOWN_MD5_PASSWORD, "50", AUTH_OK, "" },
	{ AUTH_METHOD_MD5, KNOWN_MD5, OTHER, "5", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_MD5, "secret", "secret", "50", AUTH_OK, "" },
	{ AUTH_METHOD_MD5, "secret", OTHER, "5", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_MD5, NULL, OTHER, "5", AUTH_REFUSED, "no such user" },
	{ AUTH_METHOD_MD5, "", "", "5", AUTH_REFUSED, "empty" },
	{ AUTH_METHOD_MD5, SCRAM_SECRET, "secret", "abc0", AUTH_OK, "" },
	{ AUTH_METHOD_MD5, SCRAM_SECRET, OTHER, "abw", AUTH_REFUSED, "wrong password" },

	{ AUTH_METHOD_SCRAM, SCRAM_SECRET, "secret", "abc0", AUTH_OK, "" },
	{ AUTH_METHOD_SCRAM, SCRAM_SECRET, OTHER, "abw", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_SCRAM, "secret", "secret", "abwc0", AUTH_OK, "" },
	{ AUTH_METHOD_SCRAM, "secret", OTHER, "abw", AUTH_REFUSED, "wrong password" },
	{ AUTH_METHOD_SCRAM, KNOWN_MD5, KNOWN_MD5_PASSWORD, "abw", AUTH_REFUSED, "md5 hash" },
	{ AUTH_METHOD_SCRAM, NULL, OTHER, "abw", AUTH_REFUSED, "no such user" },
	{ AUTH_METHOD_SCRAM, "", "", "abw", AUTH_REFUSED, "empty" },
};

START_TEST(logins_by_every_method)
{
	struct login l;
	begin(&l, logins[_i].method, logins[_i].secret);
	run(&l, logins[_i].password);
	ck_assert_str_eq(l.trace, logins[_i].trace);
	ck_assert_int_eq(l.status, logins[_i].status);
	ck_assert_uint_eq(buf_len(&l.out), 0);
	if (*logins[_i].reason)
		ck_assert_ptr_nonnull(strstr(auth_reason(l.ex), logins[_i].reason));
	else
		ck_assert_str_eq(auth_reason(l.ex), "");
	ck_assert_str_eq(auth_state_name(l.ex), "OVER");
	end(&l);
}
END_TEST

START_TEST(unknown_under_md5_looks_like_most)
{
	struct login l;
	like_scram = true;
	begin(&l, AUTH_METHOD_MD5, NULL);
	run(&l, OTHER);
	ck_assert_str_eq(l.trace, "abw");
	ck_assert_int_eq(l.status, AUTH_REFUSED);
	end(&l);
	begin(&l, AUTH_METHOD_MD5, ""); /* nor does a user without a password stand out */
	run(&l, OTHER);
	ck_assert_str_eq(l.trace, "abw");
	end(&l);
	begin(&l, AUTH_METHOD_MD5, KNOWN_MD5); /* who is known is asked for what is known */
	run(&l, KNOWN_MD5_PASSWORD);
	ck_assert_str_eq(l.trace, "50");
	end(&l);
}
END_TEST

/* Not even who knows the key of this process gets in as somebody unknown. */
START_TEST(no_answer_lets_somebody_unknown_in)
{
	struct login l;
	uint8_t mac[SCRAM_KEY_BYTES];
	char hex[MD5_HEX_BYTES + 1], answer[MD5_ANSWER_BYTES + 1];
	begin(&l, AUTH_METHOD_MD5, NULL);
	hear(&l);
	ck_assert(scram_hmac(slice_make(mock.key, sizeof(mock.key)), SLICE(USER), mac));
	ck_assert(md5_of_password(slice_make(mac, SCRAM_SALT_BYTES), SLICE(USER), hex));
	ck_assert(md5_answer(hex, (const uint8_t *)buf_slice(&l.text).ptr, answer));
	say_str(&l, answer);
	ck_assert_int_eq(l.status, AUTH_REFUSED);
	end(&l);
}
END_TEST

/* An answer that was right for one salt is not for the next. */
START_TEST(md5_answers_are_not_reusable)
{
	struct login a, b;
	struct buf salt = { 0 };
	char hex[MD5_HEX_BYTES + 1], answer[MD5_ANSWER_BYTES + 1];
	begin(&a, AUTH_METHOD_MD5, KNOWN_MD5);
	ck_assert_uint_eq(peer_take_auth(&a.out, &salt), 5);
	ck_assert(md5_of_password(SLICE(KNOWN_MD5_PASSWORD), SLICE(USER), hex));
	ck_assert(md5_answer(hex, (const uint8_t *)buf_slice(&salt).ptr, answer));
	do {
		begin(&b, AUTH_METHOD_MD5, KNOWN_MD5);
		ck_assert_uint_eq(peer_take_auth(&b.out, &b.text), 5);
		if (!slice_eq(buf_slice(&b.text), buf_slice(&salt)))
			break;
		end(&b);
	} while (true);
	say_str(&b, answer);
	ck_assert_int_eq(b.status, AUTH_REFUSED);
	say_str(&a, answer);
	ck_assert_int_eq(a.status, AUTH_OK);
	end(&a);
	end(&b);
	buf_fini(&salt);
}
END_TEST

START_TEST(md5_answers_by_parts_and_changed)
{
	char hex[MD5_HEX_BYTES + 1], answer[MD5_ANSWER_BYTES + 1];
	ck_assert(md5_of_password(SLICE(KNOWN_MD5_PASSWORD), SLICE(USER), hex));
	for (size_t i = 0; i <= 2 * MD5_ANSWER_BYTES; i++) {
		struct login l;
		begin(&l, AUTH_METHOD_MD5, KNOWN_MD5);
		hear(&l);
		ck_assert(md5_answer(hex, (const uint8_t *)buf_slice(&l.text).ptr, answer));
		bool is_right = i == MD5_ANSWER_BYTES;
		if (i < MD5_ANSWER_BYTES)
			answer[i] = '\0';
		else if (!is_right)
			answer[i - MD5_ANSWER_BYTES - 1] ^= 1;
		say_str(&l, answer);
		ck_assert_int_eq(l.status, is_right ? AUTH_OK : AUTH_REFUSED);
		end(&l);
	}
}
END_TEST

/* ---- what tells nobody anything ------------------------------------------------------ */

/* The salt that a name is given, and how long the whole challenge is. */
static void challenge(struct slice user, const char *secret_text, struct buf *salt, size_t *len)
{
	struct buf out = { 0 }, text = { 0 };
	struct secret *secret = secret_text ? secret_new(slice_of(secret_text)) : NULL;
	struct auth_exchange *ex = auth_new(&(struct auth_request){
		.method = AUTH_METHOD_SCRAM, .user = user, .secret = secret, .mock = &mock });
	secret_unref(secret);
	ck_assert_int_eq(auth_start(ex, &out), AUTH_MORE);
	peer_take_auth(&out, &text);
	ck_assert_int_eq(auth_step(ex, SLICE("SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc"), &out),
			 AUTH_MORE);
	ck_assert_uint_eq(peer_take_auth(&out, &text), 11);
	struct slice rest = buf_slice(&text), value;
	*len = rest.len;
	ck_assert(scram_take_attribute(&rest, 'r', &value));
	ck_assert(slice_starts(value, "abc"));
	ck_assert(scram_take_attribute(&rest, 's', &value));
	buf_clear(salt);
	buf_add_slice(salt, value);
	ck_assert(slice_eq_str(rest, "i=4096"));
	auth_free(ex);
	buf_fini(&out);
	buf_fini(&text);
}

START_TEST(salts_tell_nobody_apart)
{
	struct buf a = { 0 }, b = { 0 };
	size_t a_len, b_len;
	challenge(SLICE("alice"), NULL, &a, &a_len);
	challenge(SLICE("alice"), NULL, &b, &b_len);
	ck_assert(slice_eq(buf_slice(&a), buf_slice(&b))); /* the same each time */
	ck_assert_uint_eq(a_len, b_len);
	challenge(SLICE("alice"), "secret", &b, &b_len);
	ck_assert(slice_eq(buf_slice(&a), buf_slice(&b))); /* known or not */
	ck_assert_uint_eq(a_len, b_len);
	challenge(SLICE("bob"), NULL, &b, &b_len);
	ck_assert(!slice_eq(buf_slice(&a), buf_slice(&b)));
	ck_assert_uint_eq(a_len, b_len);
	challenge(SLICE("alice"), SCRAM_SECRET, &b, &b_len);
	ck_assert_uint_eq(a_len, b_len);
	make_mock(); /* another process */
	challenge(SLICE("alice"), NULL, &b, &b_len);
	ck_assert(!slice_eq(buf_slice(&a), buf_slice(&b)));
	buf_fini(&a);
	buf_fini(&b);
}
END_TEST

START_TEST(verifier_is_computed_once)
{
	struct secret *secret = secret_new(SLICE("secret"));
	static const struct {
		const char *password, *trace;
	} turns[] = {
		{ OTHER, "abw" },
		{ "secret", "abc0" },
		{ OTHER, "abw" },
		{ "secret", "abc0" },
	};
	for (size_t i = 0; i < COUNT_OF(turns); i++) {
		struct login l = { 0 };
		l.ex = auth_new(&(struct auth_request){ .method = AUTH_METHOD_SCRAM,
							.user = SLICE(USER),
							.secret = secret,
							.mock = &mock });
		l.status = auth_start(l.ex, &l.out);
		scram(&l, turns[i].password);
		ck_assert_str_eq(l.trace, turns[i].trace);
		end(&l);
	}
	secret_unref(secret);
}
END_TEST

START_TEST(work_that_nobody_did)
{
	struct login l;
	for (size_t i = 0; i < 2; i++) {
		begin(&l, AUTH_METHOD_PLAIN, SCRAM_SECRET);
		hear(&l);
		ck_assert_int_eq(auth_step(l.ex, SLICE("secret\0"), &l.out), AUTH_WORK);
		if (i == 0) {
			ck_assert_int_eq(auth_resume(l.ex, &l.out), AUTH_REFUSED);
			ck_assert_str_ne(auth_reason(l.ex), "");
			ck_assert_ptr_null(auth_take_password(l.ex));
		}
		end(&l);
	}
}
END_TEST

/* ---- what it leaves ------------------------------------------------------------------ */

START_TEST(keys_log_in_elsewhere)
{
	struct login l;
	struct scram_keys keys;
	begin(&l, AUTH_METHOD_SCRAM, SCRAM_SECRET);
	ck_assert(!auth_take_scram_keys(l.ex, &keys));
	scram(&l, "secret");
	ck_assert_ptr_null(auth_take_password(l.ex));
	ck_assert(auth_take_scram_keys(l.ex, &keys));
	struct scram_keys again;
	ck_assert(!auth_take_scram_keys(l.ex, &again));
	end(&l);

	/* against a "server" that knows the same secret */
	struct scram_client *c = scram_client_new_keys(&keys, NULL);
	struct buf answer = { 0 }, body = { 0 }, message = { 0 };
	enum scram_client_status status = SCRAM_CLIENT_MORE;
	begin(&l, AUTH_METHOD_SCRAM, SCRAM_SECRET);
	while (buf_len(&l.out) && status == SCRAM_CLIENT_MORE) {
		uint32_t code = peer_take_auth(&l.out, &l.text);
		buf_clear(&message);
		buf_u32(&message, code);
		buf_add_slice(&message, buf_slice(&l.text));
		status = scram_client_step(c, buf_slice(&message), &answer);
		if (buf_len(&answer)) {
			ck_assert_int_eq(peer_take(&answer, &body), 'p');
			say(&l, buf_slice(&body));
		}
	}
	ck_assert_int_eq(status, SCRAM_CLIENT_DONE);
	ck_assert_int_eq(l.status, AUTH_OK);
	scram_client_free(c);
	buf_fini(&answer);
	buf_fini(&body);
	buf_fini(&message);
	end(&l);
}
END_TEST

START_TEST(no_keys_where_they_would_open_nothing)
{
	struct login l;
	struct scram_keys keys;
	begin(&l, AUTH_METHOD_SCRAM, "secret"); /* salted by us: no server knows it */
	scram(&l, "secret");
	ck_assert_int_eq(l.status, AUTH_OK);
	ck_assert(!auth_take_scram_keys(l.ex, &keys));
	end(&l);
	begin(&l, AUTH_METHOD_SCRAM, SCRAM_SECRET);
	scram(&l, OTHER);
	ck_assert(!auth_take_scram_keys(l.ex, &keys));
	end(&l);
}
END_TEST

START_TEST(password_is_left_by_plain)
{
	struct login l;
	begin(&l, AUTH_METHOD_PLAIN, SCRAM_SECRET);
	plain(&l, "secret");
	char *password = auth_take_password(l.ex);
	ck_assert_str_eq(password, "secret");
	vault_free(password);
	ck_assert_ptr_null(auth_take_password(l.ex));
	end(&l);
	begin(&l, AUTH_METHOD_PLAIN, SCRAM_SECRET);
	plain(&l, OTHER);
	ck_assert_ptr_null(auth_take_password(l.ex));
	end(&l);
}
END_TEST

/* ---- what somebody else judges ---------------------------------------------------------- */

START_TEST(judged_by_somebody_else)
{
	for (int right = 0; right < 2; right++) {
		struct login l;
		begin(&l, AUTH_METHOD_JUDGED,
		      right ? NULL : "secret"); /* what we know is not asked */
		hear(&l);
		ck_assert_str_eq(l.trace, "3");
		say_str(&l, "what it says");
		ck_assert_int_eq(l.status, AUTH_JUDGE);
		ck_assert_uint_eq(buf_len(&l.out), 0);
		ck_assert_str_eq(auth_password(l.ex), "what it says");
		l.status = auth_judged(l.ex, right, "the judge says no", &l.out);
		ck_assert_int_eq(l.status, right ? AUTH_OK : AUTH_REFUSED);
		ck_assert_str_eq(auth_reason(l.ex), right ? "" : "the judge says no");
		if (right)
			hear(&l);
		ck_assert_uint_eq(buf_len(&l.out), 0);
		char *password = auth_take_password(l.ex);
		ck_assert_int_eq(password != NULL, right);
		if (right)
			ck_assert_str_eq(password, "what it says");
		vault_free(password);
		end(&l);
	}
}
END_TEST

/* A directory takes a name without a password for a visitor, and says yes. */
START_TEST(nobody_is_asked_to_judge_an_empty_password)
{
	struct login l;
	begin(&l, AUTH_METHOD_JUDGED, NULL);
	hear(&l);
	say_str(&l, "");
	ck_assert_int_eq(l.status, AUTH_REFUSED);
	ck_assert_str_eq(auth_reason(l.ex), "empty password");
	end(&l);
}
END_TEST

START_TEST(end_while_it_is_judged)
{
	struct login l;
	begin(&l, AUTH_METHOD_JUDGED, NULL);
	hear(&l);
	say_str(&l, "x");
	ck_assert_int_eq(l.status, AUTH_JUDGE);
	end(&l); /* the sanitizer sees to the rest */
}
END_TEST

/* ---- channels that can be bound --------------------------------------------------------- */

#define END_POINT "the hash of our certificate...."

/* What is offered, as it is sent. */
static void assert_offers(struct slice end_point, struct slice names)
{
	struct login l;
	binding = end_point;
	begin(&l, AUTH_METHOD_SCRAM, SCRAM_SECRET);
	hear(&l);
	ck_assert_str_eq(l.trace, "a");
	ck_assert(slice_eq(buf_slice(&l.text), names));
	end(&l);
}

START_TEST(plus_is_offered_where_it_can_be_had)
{
	assert_offers(SLICE_NONE, SLICE("SCRAM-SHA-256\0\0"));
	assert_offers(SLICE(END_POINT), SLICE("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"));
}
END_TEST

/* One whole login by -PLUS, made by hand; "" or what is said of it. */
static const char *plus(const char *bound, bool takes_keys)
{
	static char reason[128];
	struct login l;
	struct buf message = { 0 }, auth_message = { 0 };
	uint8_t salted[SCRAM_KEY_BYTES], proof[SCRAM_KEY_BYTES], salt[SCRAM_MAX_SALT_BYTES];
	char proof_text[SCRAM_KEY_TEXT_BYTES + 1], bound_text[256];
	struct scram_keys keys, taken;
	struct slice rest, nonce, value;
	binding = SLICE(END_POINT);
	begin(&l, AUTH_METHOD_SCRAM, SCRAM_SECRET);
	hear(&l);
	static const char first[] = "p=tls-server-end-point,,n=,r=abc";
	buf_add(&message, SCRAM_MECHANISM_PLUS, sizeof(SCRAM_MECHANISM_PLUS));
	buf_u32(&message, sizeof(first) - 1);
	buf_add_str(&message, first);
	say(&l, buf_slice(&message));
	ck_assert_int_eq(l.status, AUTH_MORE);
	hear(&l);

	rest = buf_slice(&l.text);
	buf_add_str(&auth_message, "n=,r=abc,");
	buf_add_slice(&auth_message, rest);
	ck_assert(scram_take_attribute(&rest, 'r', &nonce));
	ck_assert(scram_take_attribute(&rest, 's', &value));
	ssize_t salt_bytes = base64_decode(value, salt, sizeof(salt));
	ck_assert_int_gt(salt_bytes, 0);
	base64_encode(bound, strlen(bound), bound_text);
	buf_clear(&message);
	buf_addf(&message, "c=%s,r=%.*s", bound_text, SLICE_ARGS(nonce));
	buf_u8(&auth_message, ',');
	buf_add_slice(&auth_message, buf_slice(&message));
	ck_assert(scram_salt_password(SLICE("secret"), slice_make(salt, (size_t)salt_bytes), 4096,
				      salted));
	ck_assert(scram_derive_keys(salted, &keys));
	ck_assert(scram_make_proof(&keys, buf_slice(&auth_message), proof));
	base64_encode(proof, sizeof(proof), proof_text);
	buf_addf(&message, ",p=%s", proof_text);
	say(&l, buf_slice(&message));
	snprintf(reason, sizeof(reason), "%s", auth_reason(l.ex));
	ck_assert_int_eq(l.status, *reason ? AUTH_MALFORMED : AUTH_OK);
	ck_assert_int_eq(auth_take_scram_keys(l.ex, &taken), takes_keys);
	if (takes_keys) /* what opens a server's door has nothing to do with the channel */
		ck_assert_mem_eq(taken.client_key, keys.client_key, SCRAM_KEY_BYTES);
	end(&l);
	buf_fini(&message);
	buf_fini(&auth_message);
	return reason;
}

START_TEST(plus_binds_to_our_certificate)
{
	ck_assert_str_eq(plus("p=tls-server-end-point,," END_POINT, true), "");
	static const char *const others[] = {
		"p=tls-server-end-point,,the hash of another certificate",
		"p=tls-server-end-point,,",
		"p=tls-server-end-point,," END_POINT "x",
		("p=tls-server-end-point,," END_POINT "x"),
		"n,,",
		"y,,",
	};
	for (size_t i = 0; i < COUNT_OF(others); i++)
		ck_assert_ptr_nonnull(strstr(plus(others[i], false), "channel binding"));
}
END_TEST

/* Flags against what was offered and chosen: RFC 5802, section 6. */
START_TEST(binding_flags)
{
	static const struct {
		bool offered;
		const char *mechanism, *first, *words; /* NULL: goes on */
	} cases[] = {
		{ false, SCRAM_MECHANISM, "n,,n=,r=abc", NULL },
		{ false, SCRAM_MECHANISM, "y,,n=,r=abc", NULL },
		{ false, SCRAM_MECHANISM, "p=tls-server-end-point,,n=,r=abc", "not offered" },
		{ false, SCRAM_MECHANISM_PLUS, "p=tls-server-end-point,,n=,r=abc", "not offered" },
		{ false, SCRAM_MECHANISM_PLUS, "n,,n=,r=abc", "not offered" },
		{ true, SCRAM_MECHANISM, "n,,n=,r=abc", NULL },
		{ true, SCRAM_MECHANISM, "y,,n=,r=abc", "was offered, and the client was told" },
		{ true, SCRAM_MECHANISM, "p=tls-server-end-point,,n=,r=abc", "did not choose" },
		{ true, SCRAM_MECHANISM, "p=tls-unique,,n=,r=abc", "did not choose" },
		{ true, SCRAM_MECHANISM_PLUS, "p=tls-server-end-point,,n=,r=abc", NULL },
		{ true, SCRAM_MECHANISM_PLUS, "p=tls-unique,,n=,r=abc", "not known" },
		{ true, SCRAM_MECHANISM_PLUS, "p=tls-exporter,,n=,r=abc", "not known" },
		{ true, SCRAM_MECHANISM_PLUS, "p=tls-server-end-poin,,n=,r=abc", "not known" },
		{ true, SCRAM_MECHANISM_PLUS, "p=TLS-SERVER-END-POINT,,n=,r=abc", "not known" },
		{ true, SCRAM_MECHANISM_PLUS, "p=,,n=,r=abc", "malformed" },
		{ true, SCRAM_MECHANISM_PLUS, "p,,n=,r=abc", "malformed" },
		{ true, SCRAM_MECHANISM_PLUS, "p=tls-server-end-point", "malformed" },
		{ true, SCRAM_MECHANISM_PLUS, "p=tls-server-end-point,", "malformed" },
		{ true, SCRAM_MECHANISM_PLUS, "p=tls-server-end-point,a=x,n=,r=abc",
		  "authorization" },
		{ true, SCRAM_MECHANISM_PLUS, "n,,n=,r=abc", "binds no channel" },
		{ true, SCRAM_MECHANISM_PLUS, "y,,n=,r=abc", "binds no channel" },
		{ true, "SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,n=,r=abc", "not offered" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct login l;
		struct buf message = { 0 };
		binding = cases[i].offered ? SLICE(END_POINT) : SLICE_NONE;
		begin(&l, AUTH_METHOD_SCRAM, i % 2 ? SCRAM_SECRET : NULL);
		hear(&l);
		buf_add(&message, cases[i].mechanism, strlen(cases[i].mechanism) + 1);
		buf_u32(&message, (uint32_t)strlen(cases[i].first));
		buf_add_str(&message, cases[i].first);
		say(&l, buf_slice(&message));
		ck_assert_msg(l.status == (cases[i].words ? AUTH_MALFORMED : AUTH_MORE), "case %zu",
			      i);
		if (cases[i].words)
			ck_assert_msg(strstr(auth_reason(l.ex), cases[i].words), "case %zu: %s", i,
				      auth_reason(l.ex));
		end(&l);
		buf_fini(&message);
	}
}
END_TEST

/* ---- judged again ----------------------------------------------------------------------- */

#define NEW_PASSWORD "looking glass"

static void reconsider(struct login *l, const char *secret_text)
{
	struct secret *secret = secret_text ? secret_new(slice_of(secret_text)) : NULL;
	l->status = auth_reconsider(l->ex, secret, &l->out);
	secret_unref(secret);
	if (l->status == AUTH_WORK) {
		auth_work(l->ex);
		l->status = auth_resume(l->ex, &l->out);
	}
}

static char new_md5[3 + MD5_HEX_BYTES + 1];

/* The secret that the client's password is really of, and whether it can be seen. */
static const struct {
	enum auth_method method;
	const char *old, *new;
	bool is_right;
} again[] = {
	{ AUTH_METHOD_PLAIN, KNOWN_MD5, NEW_PASSWORD, true },
	{ AUTH_METHOD_PLAIN, "other", new_md5, true },
	{ AUTH_METHOD_PLAIN, NULL, NEW_PASSWORD, true },
	{ AUTH_METHOD_PLAIN, "other", "secret", false },
	{ AUTH_METHOD_PLAIN, "other", "other", false },
	{ AUTH_METHOD_PLAIN, "other", "", false },
	{ AUTH_METHOD_PLAIN, "other", NULL, false },
	{ AUTH_METHOD_MD5, KNOWN_MD5, new_md5, true },
	{ AUTH_METHOD_MD5, KNOWN_MD5, NEW_PASSWORD, true },
	{ AUTH_METHOD_MD5, NULL, new_md5, true },
	{ AUTH_METHOD_MD5, KNOWN_MD5, "other", false },
	{ AUTH_METHOD_MD5, KNOWN_MD5, NULL, false },
	{ AUTH_METHOD_SCRAM, "other", NEW_PASSWORD, false },
};

START_TEST(judged_again)
{
	struct login l;
	strcpy(new_md5, "md5");
	ck_assert(md5_of_password(SLICE(NEW_PASSWORD), SLICE(USER), new_md5 + 3));
	begin(&l, again[_i].method, again[_i].old);
	if (again[_i].method == AUTH_METHOD_PLAIN)
		plain(&l, NEW_PASSWORD);
	else if (again[_i].method == AUTH_METHOD_MD5)
		md5(&l, USER, NEW_PASSWORD);
	else
		scram(&l, NEW_PASSWORD);
	ck_assert_int_eq(l.status, AUTH_REFUSED);
	ck_assert_ptr_null(auth_take_password(l.ex));
	reconsider(&l, again[_i].new);
	ck_assert_int_eq(l.status, again[_i].is_right ? AUTH_OK : AUTH_REFUSED);
	if (again[_i].is_right)
		hear(&l);
	char *password = auth_take_password(l.ex);
	ck_assert_int_eq(password != NULL,
			 again[_i].is_right && again[_i].method == AUTH_METHOD_PLAIN);
	if (password)
		ck_assert_str_eq(password, NEW_PASSWORD);
	vault_free(password);
	end(&l);
}
END_TEST

START_TEST(a_scram_secret_that_plain_is_judged_by_again)
{
	struct login l;
	begin(&l, AUTH_METHOD_PLAIN, "other");
	plain(&l, known_ascii[0].password);
	ck_assert_int_eq(l.status, AUTH_REFUSED);
	reconsider(&l, known_ascii[1].secret);
	ck_assert_int_eq(l.status, AUTH_REFUSED);
	reconsider(&l, known_ascii[0].secret);
	ck_assert_int_eq(l.status, AUTH_OK);
	end(&l);
}
END_TEST

/* ---- malformed ------------------------------------------------------------------------ */

static void assert_malformed(enum auth_method method, const char *secret, struct slice body)
{
	struct login l;
	begin(&l, method, secret);
	hear(&l);
	say(&l, body);
	ck_assert_int_eq(l.status, AUTH_MALFORMED);
	ck_assert_str_ne(auth_reason(l.ex), "");
	ck_assert_uint_eq(buf_len(&l.out), 0);
	ck_assert_ptr_null(auth_take_password(l.ex));
	say(&l, SLICE("x\0")); /* and after the end */
	ck_assert_int_eq(l.status, AUTH_MALFORMED);
	end(&l);
}

START_TEST(malformed_passwords)
{
	char big[AUTH_MAX_MESSAGE_BYTES + 2];
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		enum auth_method method = i ? AUTH_METHOD_PLAIN : AUTH_METHOD_MD5;
		for (size_t known = 0; known < 2; known++) {
			const char *secret = known ? "secret" : NULL;
			assert_malformed(method, secret, SLICE(""));
			assert_malformed(method, secret, SLICE("secret"));
			assert_malformed(method, secret, SLICE("secret\0\0"));
			assert_malformed(method, secret, SLICE("\0secret\0"));
			assert_malformed(method, secret, SLICE("sec\0ret"));
			assert_malformed(method, secret, slice_make(big, sizeof(big)));
			assert_malformed(method, secret, slice_make(big + 1, sizeof(big) - 1));
		}
	}
}
END_TEST

START_TEST(longest_password)
{
	char big[AUTH_MAX_MESSAGE_BYTES];
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	struct login l;
	begin(&l, AUTH_METHOD_PLAIN, big);
	plain(&l, big);
	ck_assert_int_eq(l.status, AUTH_OK);
	end(&l);
}
END_TEST

#define INITIAL "SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc"
#define BAD(literal)                                                                               \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

START_TEST(malformed_sasl_initial)
{
	static const struct slice bad[] = {
		BAD(""),
		BAD("SCRAM-SHA-256"),
		BAD("SCRAM-SHA-256\0"),
		BAD("SCRAM-SHA-256\0\0\0\0"),
		BAD("SCRAM-SHA-256\0\0\0\0\0"),
		BAD("SCRAM-SHA-256\0\0\0\0\x0cn,,n=,r=abc"),
		BAD("SCRAM-SHA-256\0\0\0\0\x0an,,n=,r=abc"),
		BAD("SCRAM-SHA-256\0\x80\0\0\0n,,n=,r=abc"),
		BAD("SCRAM-SHA-256\0\x7f\xff\xff\xffn,,n=,r=abc"),
		BAD("SCRAM-SHA-256\0\xff\xff\xff\xfen,,n=,r=abc"),
		BAD("SCRAM-SHA-256\0\xff\xff\xff\xffn,,n=,r=abc"),
		BAD("SCRAM-SHA-256-PLUS\0\0\0\0\x0bn,,n=,r=abc"),
		BAD("SCRAM-SHA-1\0\0\0\0\x0bn,,n=,r=abc"),
		BAD("\0\0\0\0\x0bn,,n=,r=abc"),
		BAD("SCRAM-SHA-256\0\0\0\0\x0bx,,n=,r=abc"),
		BAD("md5secret\0"),
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_malformed(AUTH_METHOD_SCRAM, SCRAM_SECRET, bad[i]);
		assert_malformed(AUTH_METHOD_SCRAM, NULL, bad[i]);
	}
	for (size_t i = 0; i < sizeof(INITIAL) - 1; i++)
		assert_malformed(AUTH_METHOD_SCRAM, SCRAM_SECRET, slice_make(INITIAL, i));
	char big[SCRAM_MAX_MESSAGE_BYTES + 1] = INITIAL;
	assert_malformed(AUTH_METHOD_SCRAM, SCRAM_SECRET, slice_make(big, sizeof(big)));
}
END_TEST

START_TEST(malformed_proof)
{
	struct login l;
	for (size_t i = 0; i < 2; i++) {
		begin(&l, AUTH_METHOD_SCRAM, i ? SCRAM_SECRET : NULL);
		hear(&l);
		say(&l, SLICE(INITIAL));
		ck_assert_int_eq(l.status, AUTH_MORE);
		hear(&l);
		say(&l, SLICE("c=biws,r=abc,p=" RFC_PROOF));
		ck_assert_str_eq(l.trace, "ab"); /* no work for what is not even SCRAM */
		ck_assert_int_eq(l.status, AUTH_MALFORMED);
		end(&l);
	}
}
END_TEST

/* Who chooses a mechanism but says nothing yet is asked, with an empty challenge. */
START_TEST(no_initial_response)
{
	struct login l;
	begin(&l, AUTH_METHOD_SCRAM, SCRAM_SECRET);
	hear(&l);
	say(&l, SLICE("SCRAM-SHA-256\0\xff\xff\xff\xff"));
	ck_assert_int_eq(l.status, AUTH_MORE);
	hear(&l);
	ck_assert_uint_eq(buf_len(&l.text), 0);
	say(&l, SLICE("n,,n=,r=abc"));
	ck_assert_int_eq(l.status, AUTH_MORE);
	hear(&l);
	ck_assert(slice_starts(buf_slice(&l.text), "r=abc"));
	ck_assert_str_eq(l.trace, "abb");
	end(&l);
}
END_TEST

START_TEST(own_nonces_differ)
{
	struct buf texts[2] = { 0 };
	for (size_t i = 0; i < 2; i++) {
		struct login l;
		begin(&l, AUTH_METHOD_SCRAM, SCRAM_SECRET);
		hear(&l);
		say(&l, SLICE(INITIAL));
		ck_assert_uint_eq(peer_take_auth(&l.out, &texts[i]), 11);
		end(&l);
	}
	ck_assert(!slice_eq(buf_slice(&texts[0]), buf_slice(&texts[1])));
	buf_fini(&texts[0]);
	buf_fini(&texts[1]);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(auth_method_name(AUTH_METHOD_TRUST), "trust");
	ck_assert_str_eq(auth_method_name(AUTH_METHOD_SCRAM), "scram-sha-256");
	auth_free(NULL);
}
END_TEST

Suite *suite_auth(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("logins");
	tcase_add_checked_fixture(tc, make_mock, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, logins_by_every_method, 0, COUNT_OF(logins));
	tcase_add_test(tc, unknown_under_md5_looks_like_most);
	tcase_add_test(tc, no_answer_lets_somebody_unknown_in);
	tcase_add_test(tc, md5_answers_are_not_reusable);
	tcase_add_test(tc, md5_answers_by_parts_and_changed);
	tcase_add_test(tc, salts_tell_nobody_apart);
	tcase_add_test(tc, verifier_is_computed_once);
	tcase_add_test(tc, work_that_nobody_did);
	tcase_add_test(tc, keys_log_in_elsewhere);
	tcase_add_test(tc, no_keys_where_they_would_open_nothing);
	tcase_add_test(tc, password_is_left_by_plain);
	tcase_add_loop_test(tc, judged_again, 0, COUNT_OF(again));
	tcase_add_test(tc, a_scram_secret_that_plain_is_judged_by_again);
	tcase_add_test(tc, malformed_passwords);
	tcase_add_test(tc, longest_password);
	tcase_add_test(tc, malformed_sasl_initial);
	tcase_add_test(tc, malformed_proof);
	tcase_add_test(tc, no_initial_response);
	tcase_add_test(tc, judged_by_somebody_else);
	tcase_add_test(tc, nobody_is_asked_to_judge_an_empty_password);
	tcase_add_test(tc, end_while_it_is_judged);
	tcase_add_test(tc, plus_is_offered_where_it_can_be_had);
	tcase_add_test(tc, plus_binds_to_our_certificate);
	tcase_add_test(tc, binding_flags);
	tcase_add_test(tc, own_nonces_differ);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return s;
}
