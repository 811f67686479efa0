/*
 * connector_trace.c - a trace into memory, and two kinds of its lines.
 */
#include "proxy/connector_trace.h"

#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "proxy/connector_steps.h"

void connector_trace_start(struct connector_trace *t, struct pg_conn *pg)
{
	t->file = open_memstream(&t->text, &t->bytes);
	if (t->file)
		PQtrace(pg, t->file);
}

void connector_trace_stop(struct connector_trace *t, struct pg_conn *pg)
{
	if (!t->file)
		return;
	PQuntrace(pg);
	fclose(t->file);
	t->file = NULL;
}

void connector_trace_fini(struct connector_trace *t)
{
	mem_wipe(t->text, t->bytes);
	free(t->text);
	*t = (struct connector_trace){ .file = NULL };
}

/* By the lines `...\tParameterStatus\t "name" "value"`; the value is libpq's. */
static void connector_trace_reported(const char *text, struct connector_link *link)
{
	static const char mark[] = "\tParameterStatus\t \"";
	for (const char *at = strstr(text, mark); at; at = strstr(at, mark)) {
		char name[64];
		at += strlen(mark);
		size_t n = strcspn(at, "\"\n");
		if (n == 0 || n >= sizeof(name))
			continue;
		memcpy(name, at, n);
		name[n] = '\0';
		const char *value = PQparameterStatus(link->pg, name);
		if (value)
			connector_steps_param(link, slice_of(name), slice_of(value));
	}
}

void connector_trace_params(const struct connector_trace *t, struct connector_link *link)
{
	static const char *const known[] = {
		"server_version",
		"server_encoding",
		"client_encoding",
		"application_name",
		"default_transaction_read_only",
		"in_hot_standby",
		"is_superuser",
		"session_authorization",
		"DateStyle",
		"IntervalStyle",
		"TimeZone",
		"integer_datetimes",
		"standard_conforming_strings",
		"scram_iterations",
		"search_path",
	};
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		const char *value = PQparameterStatus(link->pg, known[i]);
		if (value)
			connector_steps_param(link, slice_of(known[i]), slice_of(value));
	}
	if (t->text)
		connector_trace_reported(t->text, link);
}

/* The line `...\tBackendKeyData\t PID KEY`. */
bool connector_trace_key(const struct connector_trace *t, int backend_pid, uint8_t key[4])
{
	static const char mark[] = "\tBackendKeyData\t";
	const char *at = t->text ? strstr(t->text, mark) : NULL;
	int pid, number, used = 0;
	if (!at)
		return false;
	at += strlen(mark);
	if (sscanf(at, " %d %d%n", &pid, &number, &used) != 2 || at[used] != '\n' ||
	    pid != backend_pid)
		return false;
	for (int i = 0; i < 4; i++)
		key[i] = (uint8_t)((uint32_t)number >> (24 - 8 * i));
	return true;
}
