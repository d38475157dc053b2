/* What pgod tells core: each message goes to the part that it concerns. */
#ifndef PGO_CORE_FROM_PGOD_H
#define PGO_CORE_FROM_PGOD_H

#include "core/core.h"

enum { CORE_CONFIG, CORE_RUNNING }; /* states of the channel to pgod */

extern const struct channel_rule from_pgod_rules[];
extern const size_t from_pgod_nrules;

/* The first message: the configuration (main.c). */
int core_on_config(void *ctx, struct msg *m, struct err *err);

#endif
