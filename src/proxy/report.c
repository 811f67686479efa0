/*
 * report.c - growing lists of plain rows. Who knows what goes into them fills them in:
 * proxy/worker.c.
 */
#include "proxy/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void report_init(struct report *report, int worker)
{
	*report = (struct report){ .worker = worker };
}

void report_fini(struct report *report)
{
	free(report->conns);
	free(report->pools);
	free(report->retired);
	*report = (struct report){ .worker = report->worker };
}

/* A cleared row at the end of a list of rows of that size. */
static void *report_grow(void **rows, size_t *count, size_t *cap, size_t row_bytes)
{
	if (*count == *cap) {
		*cap = *cap ? *cap * 2 : 16;
		*rows = mem_realloc(*rows, *cap * row_bytes);
	}
	char *row = (char *)*rows + (*count)++ * row_bytes;
	memset(row, 0, row_bytes);
	return row;
}

struct report_conn *report_add_conn(struct report *report)
{
	void *rows = report->conns;
	struct report_conn *row =
		report_grow(&rows, &report->conn_count, &report->conn_cap, sizeof(*row));
	report->conns = rows;
	row->worker = report->worker;
	return row;
}

struct report_pool *report_add_pool(struct report *report)
{
	void *rows = report->pools;
	struct report_pool *row =
		report_grow(&rows, &report->pool_count, &report->pool_cap, sizeof(*row));
	report->pools = rows;
	return row;
}

struct report_retired *report_add_retired(struct report *report)
{
	void *rows = report->retired;
	struct report_retired *row =
		report_grow(&rows, &report->retired_count, &report->retired_cap, sizeof(*row));
	report->retired = rows;
	return row;
}

void report_copy(char *field, size_t field_bytes, const char *name)
{
	snprintf(field, field_bytes, "%s", name ? name : "");
}
