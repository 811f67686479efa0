/*
 * value.h - the texts of settings, and what they mean.
 *
 * Thread: any; nothing is kept.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "conf/confmem.h"
#include "conf/setting.h"

/* Reads the text into the field, checked against the setting's range; strings and lists are put in
 * `mem`. False: the field is as it was. */
bool value_parse(const struct setting *s, struct slice text, void *field, struct confmem *mem,
		 struct err *err) MUST_CHECK;

/* The value as it would be written in a file, such that value_parse reads the same. */
void value_format(const struct setting *s, const void *field, struct buf *out);

size_t value_size(enum setting_type type); /* of the field */

#endif
