/*
 * sim_pool.c - a million steps of random worlds against the pool.
 *
 *   sim_pool [SEED [STEPS]]     random worlds, then uneven load; prints the seed
 *   sim_pool --world SEED       that one world again, as a failure names it
 *
 * What is simulated is in sim_event.c and sim_chaos.c, what must hold in sim_check.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim_world.h"

#define DEFAULT_SEED 20261
#define DEFAULT_STEPS 1000000
#define WORLD_STEPS 10000
#define UNEVEN_WORLDS 5
#define UNEVEN_STEPS 40000
#define UNEVEN_WARM_STEPS 5000

static void run_steps(struct sim_world *w, long steps)
{
	struct sim_event event;
	for (long end = w->step + steps; w->step < end && sim_world_next(w, &event);) {
		sim_event_run(w, &event);
		sim_check_world(w);
	}
}

static long run_world(struct sim_world *w, uint64_t seed)
{
	sim_world_init(w, seed);
	run_steps(w, WORLD_STEPS);
	sim_event_calm(w);
	sim_event_end(w);
	sim_world_fini(w);
	return w->step;
}

/* Servers opened per million grants, once warm. */
static uint64_t run_uneven(struct sim_world *w, uint64_t seed, unsigned n_workers)
{
	sim_world_init_uneven(w, seed, n_workers);
	run_steps(w, UNEVEN_WARM_STEPS);
	uint64_t opens = w->totals.opens, grants = w->totals.grants;
	uint64_t hands = w->totals.hands, closes = w->totals.closes;
	run_steps(w, UNEVEN_STEPS);
	opens = w->totals.opens - opens;
	grants = w->totals.grants - grants;
	hands = w->totals.hands - hands;
	closes = w->totals.closes - closes;
	printf("uneven load, %u workers, pool_size %d, max_overflow %d: %" PRIu64
	       " grants, %" PRIu64 " servers opened, %" PRIu64 " handed over\n",
	       n_workers, w->pools[0].limits.pool_size, w->pools[0].limits.max_overflow, grants,
	       opens, hands);
	SIM_CHECK(w, grants > 0);
	SIM_CHECK(w, closes == 0 || w->pools[0].limits.max_overflow > 0);
	sim_event_end(w);
	sim_world_fini(w);
	return opens * 1000000 / grants;
}

/*
 * Load that wanders from worker to worker must move servers, not close some and open
 * others: about as many are opened as if there were one worker, and without overflow none is
 * ever closed.
 */
static void compare_uneven(struct sim_world *w, uint64_t seed)
{
	uint64_t alone = run_uneven(w, seed, 1);
	uint64_t together = run_uneven(w, seed, SIM_MAX_WORKERS);
	SIM_CHECK(w, together <= alone + alone / 2 + 500);
}

int main(int argc, char **argv)
{
	struct sim_world *w = mem_zalloc(sizeof(*w));
	if (argc == 3 && strcmp(argv[1], "--world") == 0) {
		run_world(w, strtoull(argv[2], NULL, 0));
		printf("sim_pool: nothing wrong in that world\n");
		free(w);
		return EXIT_SUCCESS;
	}
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : DEFAULT_SEED;
	long steps = argc > 2 ? strtol(argv[2], NULL, 0) : DEFAULT_STEPS;
	printf("sim_pool: seed %" PRIu64 ", %ld steps\n", seed, steps);
	fflush(stdout);
	uint64_t world = seed * 1000003;
	for (long done = 0; done < steps;)
		done += run_world(w, world++);
	for (int i = 0; i < UNEVEN_WORLDS; i++)
		compare_uneven(w, world++);
	const struct sim_totals *t = &w->totals;
	printf("sim_pool: %" PRIu64 " worlds, %" PRIu64 " grants, %" PRIu64 " refused, %" PRIu64
	       " left, %" PRIu64 " opened, %" PRIu64 " closed, %" PRIu64 " pings, %" PRIu64
	       " cleaned, %" PRIu64 " handed over, %" PRIu64 " wakes, %" PRIu64 " evicts, %" PRIu64
	       " slices ended\n",
	       t->worlds, t->grants, t->refused, t->left, t->opens, t->closes, t->pings, t->cleans,
	       t->hands, t->wakes, t->evicts, t->ends);
	SIM_CHECK(w, steps < DEFAULT_STEPS || t->ends > 0);
	free(w);
	return EXIT_SUCCESS;
}
