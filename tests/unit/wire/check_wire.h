/*
 * check_wire.h - the suites of the wire room, one per module, and the talks.
 */
#ifndef CHECK_WIRE_H
#define CHECK_WIRE_H

#include <check.h>

Suite *suite_build(void);
Suite *suite_errors(void);
Suite *suite_frame(void);
Suite *suite_notice(void);
Suite *suite_reader(void);
Suite *suite_startup(void);
Suite *suite_tag(void);
Suite *suite_talk(void);
Suite *suite_track(void);
Suite *suite_track_random(void);

#endif
