/*
 * judge.c - which judge is asked, and what a case owns.
 */
#include "auth/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/judge_ldap.h"
#include "auth/judge_pam.h"
#include "auth/judge_peer.h"
#include "base/vault.h"
#include "config.h"

const char *judge_kind_name(enum judge_kind kind)
{
	static const char *const names[] = {
#define X(id, name) [JUDGE_##id] = name,
		JUDGE_KINDS(X)
#undef X
	};
	return names[kind];
}

bool judge_has(enum judge_kind kind)
{
	static const bool has[JUDGE_KIND_COUNT] = {
#ifdef HAVE_PAM
		[JUDGE_PAM] = true,
#endif
#ifdef HAVE_LDAP
		[JUDGE_LDAP] = true,
#endif
		[JUDGE_PEER] = true,
	};
	return has[kind];
}

bool judge_refuse(struct judge_case *c, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, args);
	va_end(args);
	c->is_right = false;
	return false;
}

void judge_run(struct judge_case *c)
{
	c->is_right = false;
	c->why[0] = '\0';
	switch (c->kind) {
	case JUDGE_PAM:
		judge_pam_run(c);
		break;
	case JUDGE_LDAP:
		judge_ldap_run(c);
		break;
	case JUDGE_PEER:
		judge_peer_run(c);
		break;
	case JUDGE_KIND_COUNT:
		break;
	}
}

void judge_fini(struct judge_case *c)
{
	vault_free(c->password);
	free(c->user);
	free(c->service);
	free(c->host);
	free(c->system_name);
	*c = (struct judge_case){ 0 };
}
