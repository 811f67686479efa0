/*
 * credential.c - from credential:NAME to the file, and to what is in it.
 */
#include "conf/credential.h"

#include <stdlib.h>
#include <string.h>

#include "base/filetext.h"
#include "base/slice.h"

#define CREDENTIAL_PREFIX "credential:"
#define CREDENTIAL_MAX_BYTES 4096 /* of a password */

bool credential_is(const char *value)
{
	return slice_starts(slice_of(value), CREDENTIAL_PREFIX);
}

const char *credential_path(const char *value, struct confmem *mem, struct err *err)
{
	if (!credential_is(value))
		return value;
	const char *name = value + sizeof(CREDENTIAL_PREFIX) - 1;
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		err_set(err, "\"%s\" does not name a credential", value);
		return NULL;
	}
	if (!dir || !*dir) {
		err_set(err,
			"\"%s\": there is no $CREDENTIALS_DIRECTORY; it comes from systemd's "
			"LoadCredential=",
			value);
		return NULL;
	}
	size_t dir_len = strlen(dir), len = strlen(name);
	char *path = confmem_alloc(mem, dir_len + len + 2);
	memcpy(path, dir, dir_len);
	path[dir_len] = '/';
	memcpy(path + dir_len + 1, name, len);
	return path;
}

static const char *credential_take(struct slice text, const char *path, struct confmem *mem,
				   struct err *err)
{
	if (text.len && text.ptr[text.len - 1] == '\n')
		text = slice_head(text, text.len - 1);
	if (text.len && text.ptr[text.len - 1] == '\r')
		text = slice_head(text, text.len - 1);
	if (text.len && !memchr(text.ptr, '\n', text.len) && !memchr(text.ptr, '\0', text.len))
		return confmem_str(mem, text);
	err_set(err, "%s: it is not one line", path);
	return NULL;
}

const char *credential_read(const char *value, struct confmem *mem, struct err *err)
{
	struct filetext file;
	const char *text = NULL, *path = credential_path(value, mem, err);
	if (!path || !credential_is(value))
		return path;
	if (filetext_load(&file, path, true, CREDENTIAL_MAX_BYTES, err))
		text = credential_take(filetext_slice(&file), path, mem, err);
	else
		err_prefix(err, "%s: ", path);
	filetext_fini(&file);
	return text;
}
