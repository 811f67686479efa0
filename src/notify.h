/*
 * notify.h - what the service manager is told (sd_notify), where there is one.
 *
 * Thread: main.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "base/bug.h"
#include "base/usec.h"

void notify_ready(void);
void notify_reloading(usec_t now);
void notify_stopping(void);
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Sockets that the service manager has opened for us: their number, from *first on. */
int notify_sockets(int *first);

#endif
