/*
 * seam.h - how one who listens passes from one server's notifications to another's, and hears
 * each once.
 *
 * Every server of a database reads the same queue: notifications come to each in the order in
 * which they were committed. While both servers listen to the same channels, a notification of our
 * own (the marker, on a channel that nobody else knows) cuts the queue in two: what is before it is
 * heard from the old server, what is behind it from the new one. The two streams reach us at
 * different times, hence
 *
 *	state      what it means                          of the old    of the new
 *	OPEN       the marker has come from neither       deliver       drop (the old says it too)
 *	OLD_DONE   the old is behind the marker           hold          drop
 *	NEW_AHEAD  the new is behind the marker           deliver       hold
 *	CLOSED     both are behind it                     drop          deliver
 *
 *	         marker of the old            marker of the new
 *	OPEN     --> OLD_DONE                 --> NEW_AHEAD
 *	OLD_DONE                              --> CLOSED, what was held is dropped
 *	NEW_AHEAD --> CLOSED, what was held is delivered
 *
 * It can be given up as long as it is not CLOSED, and the old server alone is heard again: what was
 * held of the old is delivered, what was held of the new is dropped. Nothing is lost, and nothing
 * is heard twice.
 *
 * The marker must be sent when both servers are known to listen, and neither may stop before
 * the seam is CLOSED.
 *
 * A value; pure. Thread: any.
 */
#ifndef PROXY_SEAM_H
#define PROXY_SEAM_H

#include "base/bug.h"

enum seam_side { SEAM_OLD, SEAM_NEW };

#define SEAM_STATES(X) X(OPEN) X(OLD_DONE) X(NEW_AHEAD) X(CLOSED)
#define SEAM_STATE_ENUM_(state) SEAM_##state,
enum seam_state { SEAM_STATES(SEAM_STATE_ENUM_) };
#undef SEAM_STATE_ENUM_

/* What becomes of a notification. */
enum seam_fate { SEAM_DELIVER, SEAM_HOLD, SEAM_DROP };

/* What becomes of those that are held. */
enum seam_held { SEAM_KEEP_HELD, SEAM_DELIVER_HELD, SEAM_DROP_HELD };

enum seam_fate seam_fate(enum seam_state state, enum seam_side side) MUST_CHECK;

/* The marker has come; a second one of the same side changes nothing. */
enum seam_held seam_mark(enum seam_state *state, enum seam_side side) MUST_CHECK;

/* It is given up: the old side goes on. Not when CLOSED. */
enum seam_held seam_give_up(enum seam_state *state) MUST_CHECK;

#endif
