/*
 * ear_hear.h - notifications, and the markers among them, on their way to a client that listens.
 *
 * They come from its own server, and from its hub by way of the branch; the state of its ear and
 * the seam (proxy/seam.h) say which of the two counts.
 *
 * Thread: worker.
 */
#ifndef PROXY_EAR_HEAR_H
#define PROXY_EAR_HEAR_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/usec.h"
#include "proxy/ear.h"

struct note;

enum ear_hear_source { EAR_HEAR_OWN, EAR_HEAR_HUB };

/* A NotificationResponse of its server's, whole: does it pass? */
bool ear_hear_own(struct ear *ear, struct slice body, usec_t now);

/* A notification on one of its channels; its marker. */
void ear_hear_hub(struct ear *ear, struct note *note, usec_t now);
void ear_hear_marker(struct ear *ear, enum ear_hear_source source, usec_t now);

#endif
