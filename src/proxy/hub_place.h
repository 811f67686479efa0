/*
 * hub_place.h - the place that a hub's server has among those that are kept (proxy/lend.h): only
 * while somebody hears from it.
 *
 * Thread: the hub's owner.
 */
#ifndef PROXY_HUB_PLACE_H
#define PROXY_HUB_PLACE_H

#include <stdbool.h>

#include "base/bug.h"

struct hub;

/* Nobody hears from it: its place is given back, unless somebody has joined meanwhile. It is to end
 * where anybody waits for a server. */
void hub_place_rest(struct hub *hub);

/* Somebody hears from it again: false, and there is no place for it. */
bool hub_place_take(struct hub *hub) MUST_CHECK;

/* It ends. */
void hub_place_give(struct hub *hub);

#endif
