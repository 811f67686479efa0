/*
 * came.h - what a client came with: the parameters of its start-up packet.
 *
 * To it they are what RESET and DISCARD ALL give back. To a server they are like any other that it
 * is given, and it goes back to its own default.
 *
 * Thread: worker.
 */
#ifndef PROXY_CAME_H
#define PROXY_CAME_H

#include "base/usec.h"

struct client;
struct paramset;
struct paramset_member;

/* What a client has whose server has `set`: where the server has its default the client has what it
 * came with. Of those that servers report the client's are what was reported. A new reference. */
struct paramset *came_params(const struct client *c, struct paramset *set);

/* The same behind a RESET, for which SET may have spelt a list of names in its own way. */
struct paramset *came_params_again(const struct client *c, struct paramset *set);

/* The client has this again, which is reported: where that is news it is told. */
void came_back(struct client *c, const struct paramset_member *member, usec_t now);

#endif
