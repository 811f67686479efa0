/*
 * fuzz_startup.c - any bytes as the first packet of a client, and as the value of `options`.
 *
 * A packet that is taken must say the same when it is built anew; no more may be taken of it than
 * is there; and what is left to come must be known from the first bytes on.
 */
#include <stdint.h>

#include "base/bug.h"
#include "wire/build.h"
#include "wire/startup.h"

#define MAX_PARAMS 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check_params(const struct startup *s, struct build_param *params)
{
	struct slice rest = s->params, value;
	char name[64];
	size_t n = 0;

	while (startup_next(&rest, &params[n].name, &params[n].value)) {
		BUG_ON(params[n].name.len == 0);
		if (params[n].name.len < sizeof(name)) {
			memcpy(name, params[n].name.ptr, params[n].name.len);
			name[params[n].name.len] = '\0';
			BUG_ON(!startup_get(s, name, &value));
		}
		n++;
		BUG_ON(n == MAX_PARAMS);
	}
	BUG_ON(rest.len > 0);
	return n;
}

static void check_built_anew(const struct startup *s, struct slice packet)
{
	static struct build_param params[MAX_PARAMS];
	struct buf b = { 0 };

	if (s->kind == STARTUP_SSL)
		build_ssl_request(&b);
	else if (s->kind == STARTUP_CANCEL)
		build_cancel_request(&b, s->cancel_pid, s->cancel_key);
	else if (s->kind == STARTUP_MESSAGE)
		build_startup(&b, STARTUP_VERSION(s->major, s->minor), params,
			      check_params(s, params));
	else
		packet = SLICE_NONE;
	BUG_ON(buf_failed(&b));
	BUG_ON(!slice_eq(buf_slice(&b), packet));
	buf_fini(&b);
}

static void check_options(struct slice value)
{
	struct startup_options it;
	struct startup_option opt;
	size_t bytes = 0;

	startup_options_init(&it, value);
	while (startup_options_next(&it, &opt)) {
		BUG_ON(opt.is_setting && opt.name.len == 0);
		BUG_ON(opt.is_setting && memchr(opt.name.ptr, '-', opt.name.len));
		bytes += opt.name.len + opt.value.len;
	}
	startup_options_fini(&it);
	BUG_ON(bytes > value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_make(data, size), value;
	struct startup s;
	int n = startup_read(in, &s);

	BUG_ON(n > 0 && (size_t)n > size);
	if (n == 0)
		BUG_ON(size >= STARTUP_MAX_BYTES);
	if (n > 0) {
		check_built_anew(&s, slice_head(in, (size_t)n));
		if (startup_get(&s, "options", &value))
			check_options(value);
	}
	check_options(in);
	return 0;
}
