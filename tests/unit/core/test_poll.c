/* How often a remote is asked, when it answers and when it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/poll.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static void
a_remote_that_fails_is_asked_half_as_often_each_time(void **state)
{
	(void)state;
	assert_int_equal(poll_delay_ms(MINUTE, 0), MINUTE);
	assert_int_equal(poll_delay_ms(MINUTE, 1), 2 * MINUTE);
	assert_int_equal(poll_delay_ms(MINUTE, 3), 8 * MINUTE);
}

static void
but_within_an_hour_and_twelve_intervals(void **state)
{
	(void)state;
	assert_int_equal(poll_delay_ms(MINUTE, 4), 12 * MINUTE);
	assert_int_equal(poll_delay_ms(MINUTE, INT32_MAX), 12 * MINUTE);
	assert_int_equal(poll_delay_ms(5 * MINUTE, 60), HOUR);
	assert_int_equal(poll_delay_ms(20 * MINUTE, 60), HOUR);
	assert_int_equal(poll_delay_ms(3 * HOUR, 60), 3 * HOUR);
	assert_int_equal(poll_delay_ms(INT64_MAX / 2, 60), INT64_MAX / 2);
}

static void
jitter_adds_up_to_half(void **state)
{
	(void)state;
	assert_int_equal(poll_jitter_ms(1000, 0), 1000);
	assert_int_equal(poll_jitter_ms(1000, 500), 1500);
	assert_int_equal(poll_jitter_ms(1000, 501), 1000);
	assert_int_equal(poll_jitter_ms(0, UINT32_MAX), 0);
	for (uint32_t r = 0; r < UINT32_MAX - 99999; r += 99999)
		assert_in_range(poll_jitter_ms(7001, r), 7001, 10501);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_remote_that_fails_is_asked_half_as_often_each_time),
	    cmocka_unit_test(but_within_an_hour_and_twelve_intervals),
	    cmocka_unit_test(jitter_adds_up_to_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
