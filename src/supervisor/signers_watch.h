/* Watching the files of allowed signers: a commit that was refused may have a signer now. */
#ifndef PGO_SUPERVISOR_SIGNERS_WATCH_H
#define PGO_SUPERVISOR_SIGNERS_WATCH_H

#include <event2/event.h>

#include "conf/conf.h"

struct core;
struct signers_watch;

/* Looks every poll_ms, a stat a service that has such a file, and tells core of each that is not what it was. conf and
 * core are borrowed. */
struct signers_watch *signers_watch_new(
    struct event_base *base, const struct conf *conf, long long poll_ms, const struct core *core);
void signers_watch_free(struct signers_watch *w);

#endif
