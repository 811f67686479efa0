/*
 * batch.c - from a batch to a record of the slow-query log.
 */
#include "proxy/batch.h"

#include <string.h>

#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "sql/lexer.h"

static bool batch_has_escapes(const struct client *c)
{
	const char *value = paramset_get(c->params, SLICE("standard_conforming_strings"));
	return value && strcmp(value, "off") == 0;
}

static uint8_t batch_encoding(const struct client *c)
{
	const char *name = paramset_get(c->params, SLICE("client_encoding"));
	return (uint8_t)lexer_encoding_of(slice_of(name));
}

static void batch_tell(const struct batch *b, struct client *c, usec_t end)
{
	const struct localpool *lp = c->pool;
	const char *app = paramset_get(c->params, SLICE("application_name"));
	char addr[ADDR_TEXT_BYTES];
	usec_t server_start = b->start + b->wait_us;
	usec_t first = b->first_byte ? b->first_byte : b->end;
	usec_t total = end - b->start - b->gap_us;

	struct tap_record record = {
		.started_wall_us = usec_wall() - (end - b->start),
		.wait_us = b->wait_us,
		.first_byte_us = first > server_start ? first - server_start : 0,
		.server_us = b->end > server_start ? b->end - server_start : 0,
		.drain_us = b->drain_us,
		.total_us = total,
		.xact_age_us = b->xact_at ? end - b->xact_at : 0,
		.rows = b->rows,
		.bytes_in = b->bytes_in,
		.bytes_out = b->bytes_out,
		.statements = b->statements,
		.errors = b->errors,
		.flags = b->flags,
		.protocol = b->protocol,
		.server_pid = c->server ? c->server->pid : 0,
		.policy = { .show_values = lp->settings.log_parameter_values,
			    .backslashes = batch_has_escapes(c),
			    .encoding = batch_encoding(c),
			    .text_max_bytes = (uint32_t)c->worker->setup->conf->global
						      .log_statement_max_bytes },
		.database = slice_of(lp->route->database),
		.user = slice_of(c->user),
		.client = slice_of(addr_text(&c->peer, addr)),
		.application_name = slice_of(app ? app : ""),
		.texts = texts_slice(&b->texts),
	};
	memcpy(record.sqlstate, b->sqlstate, sizeof(record.sqlstate));
	if (record_push(c->worker->tap, &record) == RING_PUSHED_FIRST)
		c->worker->shared->on_record(c->worker->shared->owner);
}

void batch_judge(const struct batch *b, struct client *c, usec_t end)
{
	usec_t limit = c->pool->settings.log_min_duration_statement_us;
	if (limit != USEC_NEVER && end - b->start - b->gap_us >= limit && b->statements > 0)
		batch_tell(b, c, end);
}
