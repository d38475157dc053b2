#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/auto.h"
#include "engine/pool.h"
#include "fake.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define ID HEX32 HEX32

enum { ERRNO_MAX = 256 };

struct test {
	struct fake fake;
	struct pool *pool;
	long long last_id;
	int connects;
	int asked;
	int answers;
	int errors[ERRNO_MAX];
	bool silent;	  /* answer nothing */
	bool close_after; /* each answer: as an engine that restarts */
	bool once;	  /* only the first request of a connection is answered; the second closes it */
	bool served[FAKE_CONNS_MAX];
	bool withhold; /* connections */
};

static void
asked(struct fake_conn *c, const char *path)
{
	struct test *t = c->fake->test;

	(void)path;
	t->asked++;
	if (t->once && t->served[c - t->fake.conns]) {
		fake_close(c);
		return;
	}
	t->served[c - t->fake.conns] = true;
	if (!t->silent)
		fake_json(c, 200, "{}");
	if (t->close_after)
		fake_close(c);
}

static void
on_connect(void *ctx, long long id)
{
	struct test *t = ctx;

	t->connects++;
	if (!t->withhold)
		assert_true(pool_connected(t->pool, id, fake_connect(&t->fake)));
}

static void
on_reply(void *ctx, const struct engine_reply *reply)
{
	struct test *t = ctx;

	t->answers++;
	t->errors[reply->err->num]++;
}

static int
setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));

	fake_init(&t->fake, asked, t);
	t->pool = pool_new(t->fake.base, &(struct pool_spec){on_connect, t, &t->last_id});
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;

	pool_free(t->pool);
	fake_done(&t->fake);
	free(t);
	return 0;
}

static void
ask(struct test *t, int deadline_ms)
{
	pool_submit(
	    t->pool, &(struct pool_call){
			 .api = API_IMAGE, .args = {.arg = "x"}, .deadline_ms = deadline_ms, .cb = on_reply, .ctx = t});
}

/* An engine with one container, of the project `web`. */
static void
asked_about_container(struct fake_conn *c, const char *path)
{
	struct test *t = c->fake->test;

	t->asked++;
	if (strstr(path, "/json") != NULL)
		fake_json(c, t->silent ? 404 : 200,
		    "{\"Id\":\"" ID "\",\"Config\":{\"Labels\":{\"com.docker.compose.project\":\"web\"}}}");
	else
		fake_json(c, t->close_after ? 304 : 200, "");
}

static void
stop(struct test *t, const char *service)
{
	t->fake.asked = asked_about_container;
	pool_submit(
	    t->pool, &(struct pool_call){
			 .api = API_STOP, .args = {.service = service, .container = ID}, .cb = on_reply, .ctx = t});
	fake_wait(&t->fake, &t->answers, 1);
}

static void
a_container_of_ours_can_be_stopped(void **state)
{
	struct test *t = *state;

	stop(t, "web");
	assert_int_equal(t->errors[0], 1);
	assert_string_equal(t->fake.log, "/v1.41/containers/" ID "/json\n/v1.41/containers/" ID "/stop\n");
	assert_string_equal(t->fake.method, "POST");
}

static void
a_container_that_lay_still_already_was_stopped_well(void **state)
{
	struct test *t = *state;

	t->close_after = true;
	stop(t, "web");
	assert_int_equal(t->errors[0], 1);
}

static void
a_container_of_another_project_is_not_touched(void **state)
{
	struct test *t = *state;

	stop(t, "we");
	assert_int_equal(t->errors[EPERM], 1);
	assert_int_equal(t->asked, 1);
}

static void
a_container_that_is_gone_needs_no_stop(void **state)
{
	struct test *t = *state;

	t->silent = true;
	stop(t, "web");
	assert_int_equal(t->errors[0], 1);
	assert_int_equal(t->asked, 1);
}

static void
one_connection_serves_requests_in_turn(void **state)
{
	struct test *t = *state;

	for (int i = 1; i <= 10; i++) {
		ask(t, 0);
		fake_wait(&t->fake, &t->answers, i);
	}
	assert_int_equal(t->connects, 1);
	assert_int_equal(t->errors[0], 10);
}

static void
many_requests_share_few_connections(void **state)
{
	struct test *t = *state;

	for (int i = 0; i < 100; i++)
		ask(t, 0);
	fake_wait(&t->fake, &t->answers, 100);
	assert_int_equal(t->connects, ENGINE_CONNECTIONS_MAX);
	assert_int_equal(t->errors[0], 100);
}

static void
an_engine_that_says_nothing_is_given_up(void **state)
{
	struct test *t = *state;

	t->silent = true;
	for (int i = 0; i < 6; i++)
		ask(t, 50);
	fake_wait(&t->fake, &t->answers, 6);
	assert_int_equal(t->errors[ETIMEDOUT], 6);
	/* its connection is not used again: the late answer would be taken for that of another */
	t->silent = false;
	ask(t, 0);
	fake_wait(&t->fake, &t->answers, 7);
	assert_int_equal(t->errors[0], 1);
}

static void
a_connection_that_never_comes_is_given_up(void **state)
{
	struct test *t = *state;

	t->withhold = true;
	ask(t, 50);
	fake_wait(&t->fake, &t->answers, 1);
	assert_int_equal(t->errors[ETIMEDOUT], 1);
}

static void
a_connection_that_the_engine_closed_meanwhile_is_no_error(void **state)
{
	struct test *t = *state;

	t->once = true;
	for (int i = 1; i <= 5; i++) {
		ask(t, 0);
		fake_wait(&t->fake, &t->answers, i);
	}
	assert_int_equal(t->errors[0], 5);
	assert_true(t->asked > 5);
}

static void
an_answer_with_the_connection_closed_behind_it_counts(void **state)
{
	struct test *t = *state;

	t->close_after = true;
	for (int i = 1; i <= 5; i++) {
		ask(t, 0);
		fake_wait(&t->fake, &t->answers, i);
	}
	assert_int_equal(t->errors[0], 5);
}

static void
a_fresh_connection_that_closes_without_a_word_is_an_error(void **state)
{
	struct test *t = *state;
	int fd = fake_connect(&t->fake);

	t->withhold = true;
	ask(t, 0);
	fake_settle(&t->fake);
	assert_int_equal(t->connects, 1);
	fake_close(&t->fake.conns[0]);
	assert_true(pool_connected(t->pool, t->last_id, fd));
	fake_wait(&t->fake, &t->answers, 1);
	assert_int_equal(t->errors[ECONNREFUSED], 1);
}

static void
a_refused_connection_fails_what_waits_and_no_more(void **state)
{
	struct test *t = *state;

	t->withhold = true;
	ask(t, 0);
	fake_settle(&t->fake);
	assert_false(pool_refused(t->pool, 4711, "no"));
	assert_true(pool_refused(t->pool, t->last_id, "no"));
	assert_int_equal(t->answers, 0);
	fake_wait(&t->fake, &t->answers, 1);
	assert_int_equal(t->errors[ECONNREFUSED], 1);
	t->withhold = false;
	ask(t, 0);
	fake_wait(&t->fake, &t->answers, 2);
	assert_int_equal(t->errors[0], 1);
}

static void
the_queue_has_a_limit(void **state)
{
	struct test *t = *state;

	t->withhold = true;
	for (int i = 0; i < ENGINE_QUEUE_MAX + 3; i++)
		ask(t, 0);
	fake_wait(&t->fake, &t->answers, 3);
	assert_int_equal(t->errors[EAGAIN], 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(one_connection_serves_requests_in_turn),
	    TEST(many_requests_share_few_connections),
	    TEST(an_engine_that_says_nothing_is_given_up),
	    TEST(a_connection_that_never_comes_is_given_up),
	    TEST(a_connection_that_the_engine_closed_meanwhile_is_no_error),
	    TEST(an_answer_with_the_connection_closed_behind_it_counts),
	    TEST(a_fresh_connection_that_closes_without_a_word_is_an_error),
	    TEST(a_refused_connection_fails_what_waits_and_no_more),
	    TEST(the_queue_has_a_limit),
	    TEST(a_container_of_ours_can_be_stopped),
	    TEST(a_container_that_lay_still_already_was_stopped_well),
	    TEST(a_container_of_another_project_is_not_touched),
	    TEST(a_container_that_is_gone_needs_no_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
