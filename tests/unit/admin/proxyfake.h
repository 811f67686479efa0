/*
 * proxyfake.h - in place of proxy/proxy.c: writes down what it is asked, and answers when the
 * test says so.
 */
#ifndef PROXYFAKE_H
#define PROXYFAKE_H

#include "proxy/proxy.h"

struct proxyfake {
	/* the command that is out, if done is there */
	enum proxy_command command;
	char database[64]; /* "*": all */
	uint64_t id;
	proxy_done_fn done;
	void *done_arg;
	size_t commands; /* so far */

	/* the question that is out */
	unsigned what;
	proxy_report_fn report;
	void *report_arg;

	bool paused; /* what proxy_is_paused says of anything */
	char disabled[64];
};

extern struct proxyfake proxyfake;

void proxyfake_reset(void);
void proxyfake_done(size_t touched, usec_t now); /* the command's answer */
void proxyfake_reports(const struct report *reports, size_t n, usec_t now); /* the question's */

#endif
