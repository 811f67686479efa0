/*
 * balance.h - which worker gets a client: one that has just come, and those that one worker has too
 * many of.
 *
 * Clients are placed by how many each worker has, which is all that is known of one that has just
 * come. Some turn out to ask all the time and others never: so each worker says from time to time
 * what share of its time it was busy, and one that is clearly busier than another gives some of its
 * busy clients away.
 *
 * Pure: numbers in, a decision out. Thread: any.
 */
#ifndef POOL_BALANCE_H
#define POOL_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Who has at most one part in so many more than the one with the fewest keeps what it accepts. */
#define BALANCE_PLACE_PARTS 16

/* Whose is a client that worker `here` has accepted? */
unsigned balance_place(const int32_t *clients, unsigned workers, unsigned here);

/* Shares of time are in thousandths. */
#define BALANCE_BUSY_LEAST 200 /* who is less busy than that gives nothing away */
#define BALANCE_GAP_LEAST 100  /* nor whoever is ahead by less than this, */
#define BALANCE_GAP_PARTS 5    /* or by less than one part in so many of its own share */

struct balance_move {
	unsigned to;
	unsigned clients; /* 0: stay as you are */
	int32_t share;    /* of time, that goes with them */
};

/* What worker `here` gives away: `active` of its clients have asked for something of late. */
struct balance_move balance_give(const int32_t *busy, unsigned workers, unsigned here,
				 unsigned active);

/* Is it worth counting the active ones? False: balance_give would say no whatever they are. */
bool balance_is_ahead(const int32_t *busy, unsigned workers, unsigned here);

#endif
