/*
 * inner.h - the console itself, for the files that make it up.
 *
 * Owned by main. Thread: main.
 */
#ifndef ADMIN_INNER_H
#define ADMIN_INNER_H

#include "admin/averages.h"
#include "admin/console.h"
#include "admin/show.h"
#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "proxy/stats.h"

struct admin_question;

struct admin {
	struct admin_options options;
	struct list sessions; /* struct session, owned */
	struct list closed;   /* sessions to be freed after this turn, owned */
	size_t session_count;
	struct list requests; /* struct request, not owned */
	struct show_live live;
	struct averages *averages;
	struct admin_question *question; /* at the end of a period; not owned, or NULL */
	struct timer period;             /* the end of the statistics' period */
	struct stats stats;              /* of the console itself */
	struct map reconnects;           /* database, or "" for all -> usec_t * since 1970, owned */
};

#endif
