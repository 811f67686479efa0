/*
 * faults.c - a list of faults that grows.
 */
#include "conf/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define FAULTS_TEXT_BYTES 1024

void faults_add(struct conf_faults *faults, const char *file, int line, const char *fmt, ...)
{
	char text[FAULTS_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	faults->items = mem_realloc(faults->items, (faults->count + 1) * sizeof(*faults->items));
	faults->items[faults->count++] = (struct conf_fault){
		.file = mem_strdup(file),
		.line = line,
		.text = mem_strdup(text),
	};
}

void faults_fini(struct conf_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		free(faults->items[i].file);
		free(faults->items[i].text);
	}
	free(faults->items);
	*faults = (struct conf_faults){ .items = NULL };
}
