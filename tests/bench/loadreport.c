/*
 * loadreport.c - the load generator's results.
 */
#include "loadreport.h"

#include <inttypes.h>
#include <stdio.h>

#include "loadconn.h"

/* Jain's index of how evenly the clients were served: 1 when all got the same. */
static double loadreport_jain(const struct loadconn *conns, unsigned count)
{
	double sum = 0, squares = 0, n = 0;
	for (unsigned i = 0; i < count; i++) {
		if (conns[i].role != LOADCONN_QUERY)
			continue;
		sum += (double)conns[i].done;
		squares += (double)conns[i].done * (double)conns[i].done;
		n++;
	}
	return squares > 0 ? sum * sum / (n * squares) : 0;
}

static void loadreport_group(const char *name, const struct loadconn_group *g, usec_t took)
{
	double seconds = (double)took / USEC_PER_SEC;
	printf(", \"%s\": {\"count\": %u, \"done\": %" PRIu64 ", \"per_s\": %.1f, ", name, g->count,
	       g->done, (double)g->done / seconds);
	printf("\"bytes\": %" PRIu64 ", \"mb_per_s\": %.2f, ", g->bytes,
	       (double)g->bytes / 1e6 / seconds);
	printf("\"p50_us\": %lld, \"p99_us\": %lld, \"mean_us\": %lld, \"max_us\": %" PRIu64 "}",
	       (long long)hist_percentile(&g->latency, 50),
	       (long long)hist_percentile(&g->latency, 99), (long long)hist_mean(&g->latency),
	       g->latency.max_us);
}

void loadreport_print(const struct loadrun *run, const struct loadconn *conns, unsigned count,
		      usec_t took)
{
	static const char *const names[] = {
#define X(role, option) option,
		LOADCONN_ROLES(X)
#undef X
	};
	printf("{\"seconds\": %.6f, \"jain\": %.4f", (double)took / USEC_PER_SEC,
	       loadreport_jain(conns, count));
	for (int role = 0; role < LOADCONN_ROLE_COUNT; role++)
		if (run->groups[role].count)
			loadreport_group(names[role], &run->groups[role], took);
	printf("}\n");
	fflush(stdout);
}
