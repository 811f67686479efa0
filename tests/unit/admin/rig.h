/*
 * rig.h - a console with an owner, and operators that come to it over real sockets. Its proxy is
 * proxyfake.c's.
 */
#ifndef RIG_H
#define RIG_H

#include <stdbool.h>

#include "admin/console.h"
#include "base/buf.h"
#include "proxy/setup.h"

/* What the tests look at, and set. */
struct rig {
	struct setup setup;
	struct loop *loop;
	struct admin *admin; /* NULL: a test has freed it */
	bool reload_fails;
	int reloads, shutdowns;
	enum admin_shutdown how;
	char set_key[64], set_value[64];
};

extern struct rig rig;

void rig_make(void);
void rig_drop(void);
void rig_start(const char *conf); /* instead of the one that is there */

struct op {
	int fd;         /* -1: gone */
	bool is_closed; /* by the console */
	struct buf said;
};

void rig_turn(void); /* lets the console do what it has to do */

/* `pending`: what it has sent behind its login, or NULL. */
void rig_come(struct op *o, bool is_admin, const char *pending);
void rig_listen(struct op *o); /* reads what there is */
void rig_say(struct op *o, const char *sql);
const char *rig_ask(struct op *o, const char *sql); /* says it, and the kinds of what comes back */
void rig_go(struct op *o);

#endif
