/*
 * answer.c - messages gathered for one command.
 */
#include "admin/answer.h"

#include "wire/build.h"

void answer_init(struct answer *a, enum sheet_id sheet, uint64_t binary)
{
	*a = (struct answer){ .sheet = sheet_get(sheet), .binary = binary };
}

void answer_fini(struct answer *a)
{
	buf_fini(&a->rows);
	buf_fini(&a->notices);
	buf_fini(&a->error);
}

void answer_row(struct answer *a, const void *row)
{
	sheet_write(a->sheet, a->binary, row, &a->rows);
	a->row_count++;
}

void answer_notice(struct answer *a, const char *message, const char *detail)
{
	struct build_notice notice = {
		.severity = "NOTICE", .sqlstate = "00000", .message = message, .detail = detail
	};
	build_notice(&a->notices, &notice);
}

void answer_fail(struct answer *a, enum error_id id, ...)
{
	va_list ap;
	if (answer_has_failed(a))
		return;
	va_start(ap, id);
	errors_vbuild(&a->error, id, NULL, NULL, ap);
	va_end(ap);
}

bool answer_has_failed(const struct answer *a)
{
	return buf_len(&a->error) > 0;
}
