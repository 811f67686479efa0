/*
 * loadreport.h - what came out of a run of the load generator, as a line of JSON.
 */
#ifndef BENCH_LOADREPORT_H
#define BENCH_LOADREPORT_H

#include "base/usec.h"

struct loadconn;
struct loadrun;

void loadreport_print(const struct loadrun *run, const struct loadconn *conns, unsigned count,
		      usec_t took);

#endif
