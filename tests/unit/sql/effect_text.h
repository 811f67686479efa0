/*
 * effect_text.h - the effects of a text as one line, for tables and comparisons.
 *
 * Statements have " ¦ " between them. Each: the names of its effects, or "none"; @name; its
 * settings (name=value, name=! for the default, name=? for what must be asked, ~ in front of a
 * local one); the inner effects of a PREPARE in braces.
 */
#ifndef TESTS_SQL_EFFECT_TEXT_H
#define TESTS_SQL_EFFECT_TEXT_H

#include "base/buf.h"
#include "sql/effect.h"

void effect_text(struct slice sql, struct lexer_mode mode, struct buf *out);

#endif
