/*
 * login.h - how a client gets in: start-up packet, who it is, where it goes, its parameters.
 *
 * Owned by the client until it is greeted (or, while a helper computes for it, until that
 * is back). Thread: worker.
 */
#ifndef PROXY_LOGIN_H
#define PROXY_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/usec.h"

struct client;
struct login;
struct server;
struct timer;

struct login *login_new(struct client *c);
void login_free(struct client *c);

/* Sends what was kept back to go out with the greeting, where that is not to come at once. */
void login_say(struct client *c, usec_t now); /* harmless when nothing was */

/* What a client sends in STARTUP and in AUTH: how much was taken. */
size_t login_start_bytes(struct client *c, struct slice in, usec_t now);
size_t login_auth_bytes(struct client *c, struct slice in, usec_t now);

/* A client that has just come counts as one who has not logged in yet, until it leaves. */
void login_gate_arrive(struct client *c, usec_t now);
void login_gate_leave(struct client *c); /* harmless when it has left */

/* HELD, and no longer. */
usec_t login_gate_held_until(const struct client *c);
void login_gate_release(struct client *c, usec_t now);
void login_gate_on_timer(struct timer *t, usec_t now); /* worker->gate_timer */

/* A client that has just come: does it come through a balancer? Then it is FRONTED. */
void login_front_begin(struct client *c, usec_t now);
/* FRONTED: were the bytes that have come seen to? */
bool login_front_takes(struct client *c, usec_t now);

/* HANDSHAKE and STARTUP: are the bytes that have come TLS's affair? Then they were seen to. */
bool login_tls_takes(struct client *c, usec_t now);
void login_tls_leave(struct client *c); /* HANDSHAKE is left for good */

/* A step of the handshake is a helper's: what it brings back is heard before a hang-up. */
bool login_tls_is_out(const struct client *c);

/* ADMITTED has got a server. */
void login_granted(struct client *c, struct server *s, usec_t now);

/* PROVING: the server has taken the client's parameters, or has refused them. */
void login_params_taken(struct client *c, usec_t now);
void login_params_refused(struct client *c, struct slice error_body, usec_t now);

/* PROVING, and parted from its server: another one is to tell. */
void login_try_again(struct client *c, usec_t now);

const char *login_database(const struct login *login);

#endif
