/*
 * effect.h - what a statement does to the session that it runs in.
 *
 * From the text alone, statement by statement. Effects are bits of a set; one that is doubtful is
 * in the set, so that the set says too much rather than too little. What a text cannot show is not
 * in it: what triggers, event triggers, views, rules, policies, operators, casts and the
 * expressions of indexes call, what is called in the notation of a column (t.f), and what a
 * function does that somebody has given a name of calls.def (proxy/hidden.h sees to that). A
 * function that is not known by name is an effect of its own (CALLS), and so is a text that cannot
 * be read (UNREAD).
 *
 * The statement need not succeed: the effects are those that it has if it does, but for what is
 * said to be at once.
 *
 * Slices point into the text. Nothing is allocated.
 * Thread: any; an iterator is a value.
 */
#ifndef SQL_EFFECT_H
#define SQL_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "sql/lexer.h"
#include "sql/literal.h"
#include "sql/plain.h"

/* X(effect, its name). "at once": whether or not the transaction commits. */
#define EFFECT_KINDS(X)                                                                            \
	/* settings: which they are is in effect.settings */                                       \
	X(SETTING, "setting")         /* sets or resets some for the session */                    \
	X(SETTING_LOCAL, "local")     /* sets some to the end of the transaction */                \
	X(SETTING_UNREAD, "setting?") /* sets one that is not in effect.settings */                \
	X(ROLE, "role")               /* of SETTING: role or session_authorization */              \
	X(RESET_ALL, "reset-all")     /* RESET ALL: all but these two */                           \
	/* things that live in the session */                                                      \
	X(PREPARE, "prepare")       /* PREPARE effect.name, at once; see effect.inner */           \
	X(EXECUTE, "execute")       /* EXECUTE effect.name: has its inner effects */               \
	X(DEALLOCATE, "deallocate") /* DEALLOCATE effect.name, at once */                          \
	X(DEALLOCATE_ALL, "deallocate-all")                                                        \
	X(HOLD, "hold")   /* DECLARE effect.name ... WITH HOLD */                                  \
	X(CLOSE, "close") /* CLOSE effect.name */                                                  \
	X(CLOSE_ALL, "close-all")                                                                  \
	X(TEMP, "temp")         /* creates something temporary */                                  \
	X(CREATE, "create")     /* creates something, temporary if the search_path says so;        \
				   see effect_path_is_temp */                                      \
	X(DROP, "drop")         /* drops something, which may be temporary */                      \
	X(ALTER, "alter")       /* changes something that is there */                              \
	X(DDL, "ddl")           /* none of these four, and event triggers see it all the same */   \
	X(LISTEN, "listen")     /* LISTEN effect.name */                                           \
	X(UNLISTEN, "unlisten") /* UNLISTEN effect.name */                                         \
	X(UNLISTEN_ALL, "unlisten-all")                                                            \
	X(LOCK, "lock")             /* takes a session's advisory lock, at once */                 \
	X(UNLOCK, "unlock")         /* gives one back, at once */                                  \
	X(LOAD, "load")             /* LOAD: never undone, at once */                              \
	X(LINK, "link")             /* dblink_connect: nobody can ask for what it leaves */        \
	X(BIND, "bind")             /* begins a backup and the like: as LINK, at once */           \
	X(SEED, "seed")             /* setseed(): decides what random() gives then, at once */     \
	X(SEQUENCE_READ, "currval") /* currval, lastval: needs this session's last nextval */      \
	X(SEQUENCE_MOVE, "nextval") /* nextval, setval, or a default may, at once */               \
	X(LISTENING, "listening")   /* asks what is listened to */                                 \
	X(NOTIFY, "notify")         /* sends a notification: nothing stays */                      \
	X(DISCARD_ALL, "discard-all")                                                              \
	X(DISCARD_PLANS, "discard-plans")                                                          \
	X(DISCARD_SEQUENCES, "discard-sequences")                                                  \
	X(DISCARD_TEMP, "discard-temp")                                                            \
	/* transactions */                                                                         \
	X(BEGIN, "begin")                                                                          \
	X(MODES, "modes") /* of BEGIN: it says more than that */                                   \
	X(COMMIT, "commit")                                                                        \
	X(ROLLBACK, "rollback")                                                                    \
	X(CHAIN, "chain")             /* of COMMIT or ROLLBACK: AND CHAIN */                       \
	X(SAVEPOINT, "savepoint")     /* SAVEPOINT effect.name */                                  \
	X(RELEASE, "release")         /* RELEASE effect.name */                                    \
	X(ROLLBACK_TO, "rollback-to") /* ROLLBACK TO effect.name */                                \
	X(PREPARE_TRANSACTION, "prepare-transaction")                                              \
	/* doubt: any of the above may happen */                                                   \
	X(CODE, "code")     /* DO, CALL, CREATE EXTENSION, SQL in a string */                      \
	X(CALLS, "calls")   /* calls a function that is not known */                               \
	X(UNREAD, "unread") /* cannot be read */

#define EFFECT_ENUM_(kind, name) EFFECT_AT_##kind,
enum effect_kind { EFFECT_KINDS(EFFECT_ENUM_) EFFECT_KIND_COUNT };
#undef EFFECT_ENUM_

#define EFFECT(kind) (UINT64_C(1) << EFFECT_AT_##kind)

enum effect_form {
	EFFECT_FORM_DEFAULT, /* back to what it was at start-up */
	EFFECT_FORM_TEXT,    /* value: a string constant, whose text it is */
	EFFECT_FORM_ITEMS,   /* value: identifiers and constants as SET has them */
	EFFECT_FORM_ASK,     /* what it is then only the server knows */
};

#define EFFECT_SETTINGS_MAX 4
#define EFFECT_SETTING_BYTES 96

struct effect_setting {
	char name[EFFECT_SETTING_BYTES]; /* in small letters, by its newest name */
	enum effect_form form;
	bool local;         /* to the end of the transaction */
	struct slice value; /* see form; effect_value() reads it */
	struct lexer_mode mode;
};

struct effect {
	uint64_t set;
	uint64_t inner;     /* PREPARE: what EXECUTE of it does, settings included */
	struct slice text;  /* the statement */
	struct slice token; /* the name, as it was written; effect_name() reads it */
	size_t setting_count;
	struct effect_setting settings[EFFECT_SETTINGS_MAX]; /* in order; only so many are filled */
};

struct effect_iter {
	struct lexer lex;
};

void effect_init(struct effect_iter *iter, struct slice sql, struct lexer_mode mode);

/* The next statement's, in order; false: there are no more. Empty ones are passed over. */
bool effect_next(struct effect_iter *iter, struct effect *out);

/* Of a whole text: all of its statements' together. Most small ones are told without reading them.
 */
uint64_t effect_read(struct slice sql, struct lexer_mode mode);
static inline uint64_t effect_of(struct slice sql, struct lexer_mode mode)
{
	return plain_is_select(sql, mode) ? 0 : effect_read(sql, mode);
}

/* The name as PostgreSQL keeps it; 0: there is none, or it cannot be read. */
size_t effect_name(const struct effect *effect, char out[LITERAL_NAME_BYTES]);

/* Adds the value of a setting that has one (TEXT, ITEMS) as set_config() takes it. */
void effect_value(const struct effect_setting *setting, struct buf *out);

/* What PostgreSQL calls a setting that has had another name (sort_mem); else `name`. */
struct slice effect_newest_name(struct slice name);

/* Does a search_path make temporary what is created without a schema? */
bool effect_path_is_temp(struct slice search_path);

const char *effect_kind_name(enum effect_kind kind);

#endif
