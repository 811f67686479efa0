/*
 * balance.c - the least of the numbers, and how far above it we are.
 */
#include "pool/balance.h"

static unsigned balance_least(const int32_t *numbers, unsigned workers, unsigned here)
{
	unsigned least = here;
	for (unsigned i = 0; i < workers; i++)
		if (numbers[i] < numbers[least])
			least = i;
	return least;
}

unsigned balance_place(const int32_t *clients, unsigned workers, unsigned here)
{
	unsigned least = balance_least(clients, workers, here);
	int32_t bound = clients[least] + clients[least] / BALANCE_PLACE_PARTS;
	return clients[here] <= bound ? here : least;
}

static int32_t balance_gap(const int32_t *busy, unsigned here, unsigned least)
{
	int32_t gap = busy[here] - busy[least];
	if (busy[here] < BALANCE_BUSY_LEAST || gap < BALANCE_GAP_LEAST ||
	    gap < busy[here] / BALANCE_GAP_PARTS)
		return 0;
	return gap;
}

bool balance_is_ahead(const int32_t *busy, unsigned workers, unsigned here)
{
	return balance_gap(busy, here, balance_least(busy, workers, here)) > 0;
}

/*
 * Half the gap closes it, and each active client is taken for an equal part of the share. Rounded
 * down: one client that is all the load stays where it is, and two workers with two and one of
 * equal ones do not pass the odd one back and forth.
 */
struct balance_move balance_give(const int32_t *busy, unsigned workers, unsigned here,
				 unsigned active)
{
	unsigned least = balance_least(busy, workers, here);
	int64_t gap = balance_gap(busy, here, least);
	if (gap == 0 || active == 0)
		return (struct balance_move){ .to = here };
	struct balance_move move = { .to = least,
				     .clients = (unsigned)(active * gap / (2 * busy[here])) };
	move.share = (int32_t)((int64_t)move.clients * busy[here] / active);
	return move;
}
