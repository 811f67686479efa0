/*
 * judge_pam.c - one conversation with PAM.
 *
 * PAM asks back, through a callback, whatever its modules want to know. It gets the password when
 * it asks for something that is not to be shown on a screen; anything else that would need
 * somebody at a keyboard ends the conversation. What modules want to tell goes to the log.
 *
 * A module may want to wait after a failure: that would keep a helper from others, and slowing
 * down guesses is done elsewhere, so it does not.
 */
#include "auth/judge_pam.h"

#include "config.h"

#ifdef HAVE_PAM

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

/* One question. False: it cannot be answered. */
static bool judge_pam_answer(struct judge_case *c, const struct pam_message *asked,
			     struct pam_response *answer)
{
	switch (asked->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		answer->resp = mem_strdup(c->password); /* PAM's to wipe and free */
		return true;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		LOG_DEBUG("PAM says to %s: %s", c->user, asked->msg ? asked->msg : "");
		return true;
	default:
		return judge_refuse(c, "PAM asks for more than a password: \"%.100s\"",
				    asked->msg ? asked->msg : "");
	}
}

static int judge_pam_converse(int count, const struct pam_message **asked,
			      struct pam_response **answers, void *arg)
{
	struct judge_case *c = arg;
	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	struct pam_response *made = mem_zalloc((size_t)count * sizeof(*made));
	for (int i = 0; i < count; i++) {
		if (judge_pam_answer(c, asked[i], &made[i]))
			continue;
		for (int j = 0; j < i; j++) {
			if (made[j].resp)
				mem_wipe(made[j].resp, strlen(made[j].resp));
			free(made[j].resp);
		}
		free(made);
		return PAM_CONV_ERR;
	}
	*answers = made;
	return PAM_SUCCESS;
}

static void judge_pam_no_delay(int result, unsigned usec, void *arg)
{
	(void)result;
	(void)usec;
	(void)arg;
}

/* A step that has not gone well; what the conversation said before is the better reason. */
static void judge_pam_failed(struct judge_case *c, pam_handle_t *pam, const char *step, int result)
{
	if (!*c->why)
		judge_refuse(c, "PAM (%s, service \"%s\"): %s", step, c->service,
			     pam_strerror(pam, result));
}

/* Everything but the beginning and the end. */
static int judge_pam_ask(struct judge_case *c, pam_handle_t *pam)
{
	void (*no_delay)(int, unsigned, void *) = judge_pam_no_delay;
	const void *fn;
	memcpy(&fn, &no_delay, sizeof(fn)); /* the item is a function, and is passed as data */
	int result = pam_set_item(pam, PAM_FAIL_DELAY, fn);
	if (result == PAM_SUCCESS)
		result = pam_set_item(pam, PAM_RHOST, c->host);
	if (result == PAM_SUCCESS)
		result = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (result != PAM_SUCCESS) {
		judge_pam_failed(c, pam, "authentication", result);
		return result;
	}
	result = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (result != PAM_SUCCESS)
		judge_pam_failed(c, pam, "account", result);
	return result;
}

/* Modules may give the user another name; who comes in is who was named, or nobody. */
static bool judge_pam_is_same_user(struct judge_case *c, pam_handle_t *pam)
{
	const void *name = NULL;
	if (pam_get_item(pam, PAM_USER, &name) == PAM_SUCCESS && name && strcmp(name, c->user) == 0)
		return true;
	return judge_refuse(c, "PAM (service \"%s\") made another user of this one", c->service);
}

void judge_pam_run(struct judge_case *c)
{
	const struct pam_conv conv = { .conv = judge_pam_converse, .appdata_ptr = c };
	pam_handle_t *pam = NULL;
	int result = pam_start(c->service, c->user, &conv, &pam);
	if (result != PAM_SUCCESS) {
		judge_pam_failed(c, pam, "start", result);
		return;
	}
	result = judge_pam_ask(c, pam);
	c->is_right = result == PAM_SUCCESS && judge_pam_is_same_user(c, pam);
	pam_end(pam, result | PAM_DATA_SILENT);
}

#else

void judge_pam_run(struct judge_case *c)
{
	judge_refuse(c, "this build has no PAM");
}

#endif
