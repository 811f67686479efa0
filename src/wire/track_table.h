/*
 * track_table.h - the protocol as tables: what can be in a track's queue, what a client may send
 * there, and what each message of a server's means to the item at the head.
 *
 * For track.c alone. Constant; any thread.
 */
#ifndef WIRE_TRACK_TABLE_H
#define WIRE_TRACK_TABLE_H

#include <stdint.h>

#include "wire/track.h"

#define ITEM_KIND 0x0fu
#define ITEM_OWN 0x10u
#define ITEM_DOUBTFUL 0x20u

/* What can be in the queue. The first two are never answered. */
enum track_kind {
	ITEM_GONE,     /* nothing any more: skipped, or a Sync that a COPY has eaten */
	ITEM_COPY_END, /* a CopyDone or CopyFail */
	ITEM_PARSE,
	ITEM_BIND,
	ITEM_DESCRIBE,
	ITEM_EXECUTE,
	ITEM_CLOSE,
	ITEM_QUERY,
	ITEM_SYNC,
	ITEM_FUNCTION,
	ITEM_KINDS,
};

static const char track_letters[ITEM_KINDS] = "\0cPBDECQSF";

/* What a client may send. */
enum track_sent {
	SENT_NEVER,
	SENT_ITEM,     /* an item of the queue */
	SENT_COPY_END, /* a mark, where there may be a COPY to end */
	SENT_DATA,
	SENT_FLUSH,
	SENT_BYE,
};

static const struct track_row {
	uint8_t sent; /* enum track_sent */
	uint8_t kind; /* enum track_kind */
} track_rows[128] = {
	['P'] = { SENT_ITEM, ITEM_PARSE },
	['B'] = { SENT_ITEM, ITEM_BIND },
	['D'] = { SENT_ITEM, ITEM_DESCRIBE },
	['E'] = { SENT_ITEM, ITEM_EXECUTE },
	['C'] = { SENT_ITEM, ITEM_CLOSE },
	['Q'] = { SENT_ITEM, ITEM_QUERY },
	['S'] = { SENT_ITEM, ITEM_SYNC },
	['F'] = { SENT_ITEM, ITEM_FUNCTION },
	['c'] = { SENT_COPY_END, ITEM_COPY_END },
	['f'] = { SENT_COPY_END, ITEM_COPY_END },
	['d'] = { SENT_DATA, 0 },
	['H'] = { SENT_FLUSH, 0 },
	['X'] = { SENT_BYE, 0 },
};

/* What a message of the server's means to the item at the head. */
enum track_answer {
	NEVER,
	MORE,  /* there is more to come */
	DONE,  /* the last answer */
	READY, /* the last answer, with the transaction's state */
	FAIL,  /* an error: the item is done for, and the server skips to a Sync */
	FAULT, /* an error, and still ReadyForQuery follows */
	TO_IN, /* a COPY begins */
	TO_OUT,
	TO_BOTH,
	OUT_END, /* the last data of a COPY TO */
};

/* clang-format off */
static const uint8_t track_answers[ITEM_KINDS][128] = {
	[ITEM_PARSE] = { ['1'] = DONE, ['E'] = FAIL },
	[ITEM_BIND] = { ['2'] = DONE, ['E'] = FAIL },
	[ITEM_CLOSE] = { ['3'] = DONE, ['E'] = FAIL },
	[ITEM_DESCRIBE] = { ['t'] = MORE, ['T'] = DONE, ['n'] = DONE, ['E'] = FAIL },
	[ITEM_EXECUTE] = {
		['D'] = MORE, ['C'] = DONE, ['I'] = DONE, ['s'] = DONE, ['E'] = FAIL,
		['G'] = TO_IN, ['H'] = TO_OUT, ['d'] = MORE, ['c'] = OUT_END,
	},
	[ITEM_QUERY] = {
		['T'] = MORE, ['D'] = MORE, ['C'] = MORE, ['I'] = MORE, ['E'] = FAULT, ['Z'] = READY,
		['G'] = TO_IN, ['H'] = TO_OUT, ['W'] = TO_BOTH, ['d'] = MORE, ['c'] = OUT_END,
	},
	[ITEM_SYNC] = { ['E'] = FAULT, ['Z'] = READY },
	[ITEM_FUNCTION] = { ['V'] = MORE, ['E'] = FAULT, ['Z'] = READY },
};
/* clang-format on */

/* And in a COPY only these of them; outside, all but d and c. */
static const char *const track_in_copy_answers[] = {
	[TRACK_COPY_IN] = "CE",
	[TRACK_COPY_OUT] = "dcE",
	[TRACK_COPY_BOTH] = "dcTDCEZ",
};

#endif
