/* Tags of ours keep the images of the stored releases from being pruned by whoever prunes: pgo.local/<service>:<id>;
 * and those that go to a registry have another one meanwhile: <registry>/<service>:<version>. What is tagged is written
 * down before, and only what is written down is ever taken off again. */
#ifndef PGO_CORE_KEEP_H
#define PGO_CORE_KEEP_H

#include "core/core.h"

struct keep;

/* Images (sha256:..., or their whole name in a registry) of the service that carry our tag and that none of its stored
 * releases uses. */
int keep_unneeded(struct store *st, const char *service, struct strv *ret, struct err *err);
/* Takes our tag off each, one after the other: an image goes with its last name. One that a container still uses, or
 * that the engine does not answer for, keeps the tag until the next time. done is called once, from the loop. Never
 * NULL; images: at least one. */
struct keep *keep_drop(
    struct core *core, const char *service, const struct strv *images, void (*done)(void *ctx), void *ctx);
/* done is not called; NULL is fine. */
void keep_abandon(struct keep *k);

#endif
