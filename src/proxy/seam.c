/*
 * seam.c - the table of seam.h.
 */
#include "proxy/seam.h"

static const enum seam_fate seam_fates[][2] = {
	[SEAM_OPEN] = { SEAM_DELIVER, SEAM_DROP },
	[SEAM_OLD_DONE] = { SEAM_HOLD, SEAM_DROP },
	[SEAM_NEW_AHEAD] = { SEAM_DELIVER, SEAM_HOLD },
	[SEAM_CLOSED] = { SEAM_DROP, SEAM_DELIVER },
};

enum seam_fate seam_fate(enum seam_state state, enum seam_side side)
{
	return seam_fates[state][side];
}

enum seam_held seam_mark(enum seam_state *state, enum seam_side side)
{
	switch (*state) {
	case SEAM_OPEN:
		*state = side == SEAM_OLD ? SEAM_OLD_DONE : SEAM_NEW_AHEAD;
		return SEAM_KEEP_HELD;
	case SEAM_OLD_DONE:
		if (side == SEAM_OLD)
			return SEAM_KEEP_HELD;
		*state = SEAM_CLOSED;
		return SEAM_DROP_HELD;
	case SEAM_NEW_AHEAD:
		if (side == SEAM_NEW)
			return SEAM_KEEP_HELD;
		*state = SEAM_CLOSED;
		return SEAM_DELIVER_HELD;
	case SEAM_CLOSED:
		return SEAM_KEEP_HELD;
	}
	return SEAM_KEEP_HELD;
}

enum seam_held seam_give_up(enum seam_state *state)
{
	BUG_ON(*state == SEAM_CLOSED);
	enum seam_held held = *state == SEAM_OLD_DONE ? SEAM_DELIVER_HELD : SEAM_DROP_HELD;
	*state = SEAM_OPEN;
	return held;
}
