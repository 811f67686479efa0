/*
 * faults.h - gathering what is wrong with a configuration.
 *
 * Thread: the owner's of the list.
 */
#ifndef CONF_FAULTS_H
#define CONF_FAULTS_H

#include "base/bug.h"
#include "conf/conf.h"

void faults_add(struct conf_faults *faults, const char *file, int line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void faults_fini(struct conf_faults *faults);

#endif
