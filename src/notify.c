/*
 * notify.c - sd_notify and socket activation; nothing where systemd is not there.
 */
#include "notify.h"

#include <stdarg.h>
#include <stdio.h>

#include "config.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define SD_LISTEN_FDS_START 3
static int sd_notify(int unset, const char *state)
{
	(void)unset;
	(void)state;
	return 0;
}
static int sd_listen_fds(int unset)
{
	(void)unset;
	return 0;
}
#endif

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void notify_reloading(usec_t now)
{
	char text[80];
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now);
	sd_notify(0, text);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
	char text[256] = "STATUS=";
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text + 7, sizeof(text) - 7, fmt, ap);
	va_end(ap);
	sd_notify(0, text);
}

int notify_sockets(int *first)
{
	*first = SD_LISTEN_FDS_START;
	int n = sd_listen_fds(1);
	return n > 0 ? n : 0;
}
