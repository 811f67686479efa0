/*
 * command.h - what main asks of all workers at once: a command, or a report.
 *
 * A part of it is mailed to each worker, carried out there, and mailed back; when the last
 * one is back main hears of it. Nobody waits.
 *
 * Thread: main to send; worker where it says so.
 */
#ifndef PROXY_COMMAND_H
#define PROXY_COMMAND_H

#include "proxy/proxy.h"

struct worker;
struct worker_shared;

void command_send(struct worker_shared *shared, enum proxy_command command, const char *database,
		  uint64_t id, proxy_done_fn done, void *arg);
void command_ask(struct worker_shared *shared, unsigned what, proxy_report_fn done, void *arg);

/* worker: one of its pools has no server left; and: it ends, nobody is to wait for it. */
void command_drained(struct worker *w, usec_t now);
void command_give_up(struct worker *w, usec_t now);

#endif
