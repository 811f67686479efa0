/*
 * credential.h - `credential:NAME`: a file that systemd hands to the service (LoadCredential=).
 *
 * It stands for the file NAME in the directory $CREDENTIALS_DIRECTORY, wherever a file may be
 * named; as a password, for what that file has in it.
 *
 * Thread: any; nothing is kept. Reads the environment, and credential_read a file.
 */
#ifndef CONF_CREDENTIAL_H
#define CONF_CREDENTIAL_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"
#include "conf/confmem.h"

bool credential_is(const char *value);

/* The path, in `mem`; NULL: err says what is wrong with the name, or that there are no
 * credentials. A value that is none comes back as it is. */
const char *credential_path(const char *value, struct confmem *mem, struct err *err) MUST_CHECK;

/* What the file has in it, one line without its end, in `mem`; NULL and err. A value that is no
 * credential comes back as it is. */
const char *credential_read(const char *value, struct confmem *mem, struct err *err) MUST_CHECK;

#endif
