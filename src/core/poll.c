#include "core/poll.h"

enum { POLL_MAX_MS = 60 * 60 * 1000, POLL_MAX_INTERVALS = 12 };

int64_t
poll_delay_ms(int64_t interval_ms, int fails)
{
	int64_t most = interval_ms < POLL_MAX_MS / POLL_MAX_INTERVALS ? interval_ms * POLL_MAX_INTERVALS : POLL_MAX_MS;
	int64_t ms = interval_ms;

	while (fails-- > 0 && ms < most)
		ms *= 2;
	if (ms > most)
		ms = most;
	return ms > interval_ms ? ms : interval_ms;
}

int64_t
poll_jitter_ms(int64_t ms, uint32_t random)
{
	return ms + (int64_t)(random % (uint64_t)(ms / 2 + 1));
}
