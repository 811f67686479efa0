/*
 * averages.h - what is counted for each database, and how fast it grew in the last period.
 *
 * A period ends where averages_turn is called; the averages are of the last whole one.
 *
 * Owned by the console. Thread: main. Knows no clock.
 */
#ifndef ADMIN_AVERAGES_H
#define ADMIN_AVERAGES_H

#include <stddef.h>

#include "admin/show_rows.h"
#include "base/buf.h"
#include "base/usec.h"

struct averages;

struct averages *averages_new(usec_t now);
void averages_free(struct averages *a);

/* The pools of all workers, added up by database in the order of their names. *rows is the
 * caller's (free). */
size_t averages_sum(const struct report *reports, size_t count, struct show_stats **rows);

/* The period ends now, with these sums. */
void averages_turn(struct averages *a, const struct show_stats *rows, size_t count, usec_t now);

/* Fills row->average from the last whole period. */
void averages_fill(const struct averages *a, struct show_stats *row);

/* One row of everything; its averages are of everything too. */
void averages_total(const struct averages *a, const struct show_stats *rows, size_t count,
		    struct show_stats *out);

/* The line for the log, as PgBouncer has it. */
void averages_line(const struct stats *average, struct buf *out);

#endif
