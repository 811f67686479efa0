/*
 * judge_pam.h - asks PAM whether the user may log in with the password: authentication, then
 * account.
 *
 * The case is the caller's (auth/judge.h), its verdict is filled in.
 *
 * Thread: helper.
 */
#ifndef AUTH_JUDGE_PAM_H
#define AUTH_JUDGE_PAM_H

#include "auth/judge.h"

void judge_pam_run(struct judge_case *c);

#endif
