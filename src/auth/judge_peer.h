/*
 * judge_peer.h - asks the system what it calls the user behind a Unix socket.
 *
 * The case is the caller's (auth/judge.h), its verdict is filled in.
 *
 * Thread: helper.
 */
#ifndef AUTH_JUDGE_PEER_H
#define AUTH_JUDGE_PEER_H

#include "auth/judge.h"

void judge_peer_run(struct judge_case *c);

#endif
