/*
 * dbtarget.h - tells a connector where a database of the configuration is.
 *
 * Thread: any.
 */
#ifndef PROXY_DBTARGET_H
#define PROXY_DBTARGET_H

#include "base/buf.h"
#include "conf/conf.h"
#include "proxy/connector.h"

/* Host, port, dbname and whatever else its connection string has but user and password. `name` is
 * what the client named (for `*`); what the string has for libpq's `options` goes to `options`, for
 * the caller to add to and to set. */
void dbtarget_tell(struct connector *c, const struct conf_database *db, const char *name,
		   struct buf *options);

#endif
