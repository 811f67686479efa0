/*
 * setting.c - settings.def made into a table, and searched by name.
 */
#include "conf/setting.h"

#include "base/bug.h"

#define SETTING_NAME_BYTES 64
#define SETTING_NEAR 3

/* The words of each ENUM. */
#define SETTING_WORD_(value, word) word,
static const char *const setting_pool_mode[] = { CONF_POOL_MODE_WORDS(SETTING_WORD_) };
static const char *const setting_auth_type[] = { CONF_AUTH_TYPE_WORDS(SETTING_WORD_) };
static const char *const setting_log_format[] = { CONF_LOG_FORMAT_WORDS(SETTING_WORD_) };
static const char *const setting_auto_probe[] = { CONF_AUTO_PROBE_WORDS(SETTING_WORD_) };
static const char *const setting_listen[] = { CONF_LISTEN_WORDS(SETTING_WORD_) };
static const char *const setting_on_session_state[] = { CONF_ON_SESSION_STATE_WORDS(
	SETTING_WORD_) };
static const char *const setting_sequence_state[] = { CONF_SEQUENCE_STATE_WORDS(SETTING_WORD_) };
static const char *const setting_seed_state[] = { CONF_SEED_STATE_WORDS(SETTING_WORD_) };
static const char *const setting_defer_begin[] = { CONF_DEFER_BEGIN_WORDS(SETTING_WORD_) };
static const char *const setting_client_tls_sslmode[] = { CONF_CLIENT_TLS_SSLMODE_WORDS(
	SETTING_WORD_) };
static const char *const setting_server_tls_sslmode[] = { CONF_SERVER_TLS_SSLMODE_WORDS(
	SETTING_WORD_) };

#define SETTING_WORDS_BOOL(name) NULL, .word_count = 0
#define SETTING_WORDS_INT(name) NULL, .word_count = 0
#define SETTING_WORDS_MODE(name) NULL, .word_count = 0
#define SETTING_WORDS_DURATION(name) NULL, .word_count = 0
#define SETTING_WORDS_BYTES(name) NULL, .word_count = 0
#define SETTING_WORDS_STRING(name) NULL, .word_count = 0
#define SETTING_WORDS_LIST(name) NULL, .word_count = 0
#define SETTING_WORDS_ENUM(name) setting_##name, .word_count = COUNT_OF(setting_##name)

/* The name of the field, and where it is, if there is one: compare conf.h. */
#define SETTING_FIELD_BOOL(name) name
#define SETTING_FIELD_INT(name) name
#define SETTING_FIELD_MODE(name) name
#define SETTING_FIELD_DURATION(name) name##_us
#define SETTING_FIELD_BYTES(name) name
#define SETTING_FIELD_STRING(name) name
#define SETTING_FIELD_LIST(name) name
#define SETTING_FIELD_ENUM(name) name
#define SETTING_AT_RELOAD(in, field) (int)offsetof(in, field)
#define SETTING_AT_RESTART(in, field) (int)offsetof(in, field)
#define SETTING_AT_IGNORED(in, field) -1
#define SETTING_AT_REFUSED(in, field) -1
#define SETTING_GLOBAL_G(kind, field) SETTING_AT_##kind(struct conf_global, field)
#define SETTING_GLOBAL_GD(kind, field) SETTING_AT_##kind(struct conf_global, field)
#define SETTING_GLOBAL_GU(kind, field) SETTING_AT_##kind(struct conf_global, field)
#define SETTING_GLOBAL_GDU(kind, field) SETTING_AT_##kind(struct conf_global, field)
#define SETTING_GLOBAL_D(kind, field) -1
#define SETTING_POOL_G(kind, field) -1
#define SETTING_POOL_GD(kind, field) SETTING_AT_##kind(struct conf_pool, field)
#define SETTING_POOL_GU(kind, field) SETTING_AT_##kind(struct conf_pool, field)
#define SETTING_POOL_GDU(kind, field) SETTING_AT_##kind(struct conf_pool, field)
#define SETTING_POOL_D(kind, field) SETTING_AT_##kind(struct conf_pool, field)

#define SETTING_OPEN(...) __VA_ARGS__
#define GROUP(heading) { .text = heading },
#define SETTING(name_, type_, scope_, kind_, def_, pgb_, extras_, text_)                           \
	{                                                                                          \
		.name = #name_,                                                                    \
		.type = SETTING_##type_,                                                           \
		.scope = SETTING_##scope_,                                                         \
		.kind = SETTING_##kind_,                                                           \
		.def = def_,                                                                       \
		.pgbouncer_def = pgb_,                                                             \
		.text = text_,                                                                     \
		.words = SETTING_WORDS_##type_(name_),                                             \
		.global_at = SETTING_GLOBAL_##scope_(kind_, SETTING_FIELD_##type_(name_)),         \
		.pool_at = SETTING_POOL_##scope_(kind_, SETTING_FIELD_##type_(name_)),             \
		.extras = { SETTING_OPEN extras_ },                                                \
	},

const struct setting setting_table[] = {
#include "conf/settings.def"
};

const size_t setting_count = COUNT_OF(setting_table);

bool setting_next_word(const char **at, struct slice *word)
{
	const char *p = *at;
	while (p && *p == ' ')
		p++;
	if (!p || !*p)
		return false;
	*word = slice_make(p, strcspn(p, " "));
	*at = p + word->len;
	return true;
}

static bool setting_has_alias(const struct setting *s, struct slice name)
{
	struct slice word;
	for (const char *at = s->extras.alias; setting_next_word(&at, &word);)
		if (slice_eq(word, name))
			return true;
	return false;
}

const struct setting *setting_find(struct slice name, enum setting_scope place, bool *is_inverse)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		if (!s->name || !(s->scope & place))
			continue;
		*is_inverse = s->extras.inverse && slice_eq_str(name, s->extras.inverse);
		if (*is_inverse || slice_eq_str(name, s->name) || setting_has_alias(s, name))
			return s;
	}
	return NULL;
}

static size_t setting_min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;
	return ab < c ? ab : c;
}

size_t setting_distance(struct slice a, struct slice b, size_t max)
{
	size_t row[SETTING_NAME_BYTES + 1], above[SETTING_NAME_BYTES + 1],
		last[SETTING_NAME_BYTES + 1];

	if (a.len > SETTING_NAME_BYTES || b.len > SETTING_NAME_BYTES)
		return max;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = above[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		memcpy(last, above, sizeof(last));
		memcpy(above, row, sizeof(above));
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t other = a.ptr[i - 1] != b.ptr[j - 1];
			row[j] = setting_min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + other);
			bool is_swap = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
				       a.ptr[i - 2] == b.ptr[j - 1];
			if (is_swap && last[j - 2] + 1 < row[j])
				row[j] = last[j - 2] + 1;
		}
	}
	return row[b.len] < max ? row[b.len] : max;
}

const char *setting_nearest(struct slice name, enum setting_scope place)
{
	size_t best = SETTING_NEAR < name.len / 2 + 1 ? SETTING_NEAR : name.len / 2 + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		if (!s->name || !(s->scope & place))
			continue;
		size_t distance = setting_distance(name, slice_of(s->name), best);
		if (distance < best) {
			best = distance;
			nearest = s->name;
		}
	}
	return nearest;
}
