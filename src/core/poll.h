/* How often a remote is asked. */
#ifndef PGO_CORE_POLL_H
#define PGO_CORE_POLL_H

#include <stdint.h>

/* How long to wait before the next look after `fails` looks in a row that failed: the poll interval, doubled for each,
 * but no more than an hour or twelve intervals, whichever is less, and never less than the interval. */
int64_t poll_delay_ms(int64_t interval_ms, int fails);
/* ms to 1.5 ms, evenly: no two services, and no two servers, ask in step. random: any 32 random bits. */
int64_t poll_jitter_ms(int64_t ms, uint32_t random);

#endif
