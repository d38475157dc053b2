#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "engine/engine.h"
#include "fake.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LABELS(project) "{\"com.docker.compose.project\":\"" project "\",\"com.docker.compose.service\":\"web\"}"
#define ENTRY(id, project, state, status)                                                    \
	"{\"Id\":\"" id "\",\"Names\":[\"/x\"],\"State\":\"" state "\",\"Status\":\"" status \
	"\",\"Labels\":" LABELS(project) "}"
#define INSPECT(id, project, state, code)                                                           \
	"{\"Id\":\"" id "\",\"Name\":\"/x\",\"State\":{\"Status\":\"" state "\",\"ExitCode\":" code \
	"},\"Config\":{\"Labels\":" LABELS(project) "}}"
#define EVENT(action, id, ns) "{\"Action\":\"" action "\",\"Actor\":{\"ID\":\"" id "\"},\"timeNano\":" ns "}\n"

struct test {
	struct fake fake;
	struct engine *engine;
	struct fake_conn *stream;
	/* the script */
	const char *list;
	const char *inspect[2]; /* of A and B; NULL: 404 */
	bool refuse;		/* connections */
	bool silent;		/* answer no inspection */
	bool old;		/* does not know our version */
	struct fake_conn *silent_conn;
	/* what happened */
	int connects, ups, downs, changes, ooms, streams, inspections;
	bool changed_before_up;
	char reason[200];
	char changed[64];
};

static void
asked(struct fake_conn *c, const char *path)
{
	struct test *t = c->fake->test;
	const char *body;

	if (t->old && str_starts(path, "/v1.41/")) {
		fake_json(
		    c, 400, "{\"message\":\"client version 1.41 is too old. Minimum supported API version is 1.44\"}");
	} else if (strstr(path, "/events?since=") != NULL) {
		t->stream = c;
		t->streams++;
		fake_stream(c);
	} else if (strstr(path, "/containers/json?") != NULL) {
		fake_json(c, 200, t->list);
	} else if (strstr(path, "/containers/") != NULL) {
		body = t->inspect[strstr(path, A) == NULL];
		t->inspections++;
		t->silent_conn = c;
		if (!t->silent)
			fake_json(
			    c, body != NULL ? 200 : 404, body != NULL ? body : "{\"message\":\"No such container\"}");
	} else if (strstr(path, "/images/there/json") != NULL) {
		fake_json(c, 200, "{\"Id\":\"sha256:" A "\"}");
	} else if (strstr(path, "/networks/") != NULL) {
		fake_json(c, 200, "{\"Name\":\"edge\",\"Id\":\"" A "\"}");
	} else if (strstr(path, "/images/wrong/json") != NULL) {
		fake_json(c, 500, "{\"message\":\"it \\u001b[31m broke\"}");
	} else {
		fake_json(c, 404, "{\"message\":\"no such image\"}");
	}
}

static void
on_connect(void *ctx, long long id)
{
	struct test *t = ctx;

	t->connects++;
	if (t->refuse)
		engine_refused(t->engine, id, "nobody listens");
	else
		engine_connected(t->engine, id, fake_connect(&t->fake));
}

static void
on_up(void *ctx)
{
	struct test *t = ctx;

	t->ups++;
	t->changed_before_up = t->changes > 0;
}

static void
on_down(void *ctx, const char *reason)
{
	struct test *t = ctx;

	t->downs++;
	snprintf(t->reason, sizeof(t->reason), "%s", reason);
}

static void
on_changed(void *ctx, const char *project)
{
	struct test *t = ctx;

	t->changes++;
	snprintf(t->changed, sizeof(t->changed), "%s", project);
}

static void
on_oom(void *ctx, const struct container *c)
{
	struct test *t = ctx;

	t->ooms++;
	assert_string_equal(c->service, "web");
}

static int
setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));

	fake_init(&t->fake, asked, t);
	t->list = "[" ENTRY(A, "shop", "running", "Up 5 seconds") "]";
	t->inspect[0] = INSPECT(A, "shop", "running", "0");
	t->engine = engine_new(t->fake.base,
	    &(struct engine_spec){
		.connect = on_connect, .up = on_up, .down = on_down, .changed = on_changed, .oom = on_oom, .ctx = t});
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct test *t = *state;

	engine_free(t->engine);
	fake_done(&t->fake);
	free(t);
	return 0;
}

static bool
keep(void *ctx, const struct container *c)
{
	*(struct container *)ctx = *c;
	return true;
}

static struct container
only_container(struct test *t)
{
	struct container c = {.id = "", .name = ""};

	assert_int_equal(engine_container_count(t->engine), 1);
	engine_containers(t->engine, "shop", keep, &c);
	assert_string_equal(c.id, A);
	return c;
}

static void
nothing_is_called_from_within_engine_new(void **state)
{
	struct test *t = *state;

	assert_int_equal(t->connects, 0);
	assert_false(engine_is_up(t->engine));
}

static void
the_first_list_brings_it_up(void **state)
{
	struct test *t = *state;

	fake_wait(&t->fake, &t->ups, 1);
	assert_true(engine_is_up(t->engine));
	assert_true(t->changed_before_up);
	assert_string_equal(t->changed, "shop");
	assert_int_equal(only_container(t).state, CONTAINER_RUNNING);
	assert_int_equal(t->downs, 0);
	/* the stream was open before the list was asked for, so that nothing falls between them */
	assert_true(str_starts(t->fake.log, "/v1.41/events?since="));
	assert_int_equal(fake_count(&t->fake, "/v1.41/containers/json?all=1"), 1);
}

static void
a_container_that_dies_is_seen_although_the_engine_is_slow(void **state)
{
	struct test *t = *state;
	struct container c;

	fake_wait(&t->fake, &t->ups, 1);
	t->inspect[0] = INSPECT(A, "shop", "exited", "137");
	fake_chunk(t->stream, EVENT("die", A, "1"));
	fake_wait(&t->fake, &t->changes, 3);
	c = only_container(t);
	assert_int_equal(c.state, CONTAINER_EXITED);
	assert_int_equal(c.exit_code, 137);
	assert_int_equal(c.deaths, 1);
	/* told again, it is not another death */
	fake_chunk(t->stream, EVENT("die", A, "1"));
	fake_wait(&t->fake, &t->inspections, 2);
	assert_int_equal(only_container(t).deaths, 1);
}

static void
one_that_runs_out_of_memory_is_told_once(void **state)
{
	struct test *t = *state;

	fake_wait(&t->fake, &t->ups, 1);
	fake_chunk(t->stream, EVENT("oom", A, "1"));
	fake_chunk(t->stream, EVENT("oom", A, "1"));
	fake_chunk(t->stream, EVENT("oom", B, "2"));
	fake_wait(&t->fake, &t->inspections, 2);
	fake_settle(&t->fake);
	assert_int_equal(t->ooms, 1);
}

static void
a_new_container_appears_and_a_removed_one_goes(void **state)
{
	struct test *t = *state;

	fake_wait(&t->fake, &t->ups, 1);
	t->inspect[1] = INSPECT(B, "other", "created", "0");
	fake_chunk(t->stream, EVENT("create", B, "1"));
	fake_wait(&t->fake, &t->changes, 2);
	assert_string_equal(t->changed, "other");
	assert_int_equal(engine_container_count(t->engine), 2);
	t->inspect[1] = NULL;
	fake_chunk(t->stream, EVENT("destroy", B, "2"));
	fake_wait(&t->fake, &t->changes, 3);
	assert_string_equal(t->changed, "other");
	assert_int_equal(only_container(t).state, CONTAINER_RUNNING);
}

static void
a_removed_container_does_not_come_back_with_a_late_answer(void **state)
{
	struct test *t = *state;

	fake_wait(&t->fake, &t->ups, 1);
	t->silent = true;
	fake_chunk(t->stream, EVENT("die", A, "1"));
	fake_wait(&t->fake, &t->inspections, 1);
	t->silent = false;
	t->inspect[0] = NULL;
	fake_chunk(t->stream, EVENT("destroy", A, "2"));
	fake_settle(&t->fake);
	assert_int_equal(engine_container_count(t->engine), 0);
	fake_json(t->silent_conn, 200, INSPECT(A, "shop", "removing", "0"));
	fake_wait(&t->fake, &t->inspections, 2);
	fake_settle(&t->fake);
	assert_int_equal(engine_container_count(t->engine), 0);
}

static void
many_events_are_one_look(void **state)
{
	struct test *t = *state;
	auto_buf struct buf events = BUF_INIT(1 << 16);

	fake_wait(&t->fake, &t->ups, 1);
	t->inspect[0] = INSPECT(A, "shop", "paused", "0");
	for (int i = 0; i < 200; i++)
		buf_str_add(&events, EVENT("update", A, "1"));
	fake_chunk(t->stream, buf_str(&events));
	fake_wait(&t->fake, &t->changes, 2);
	fake_settle(&t->fake);
	assert_in_range(t->inspections, 1, 3);
}

static void
an_event_before_the_list_is_not_lost(void **state)
{
	struct test *t = *state;

	/* the list does not show yet what the event says */
	t->inspect[0] = INSPECT(A, "shop", "exited", "1");
	fake_wait(&t->fake, &t->streams, 1);
	fake_chunk(t->stream, EVENT("die", A, "1"));
	fake_wait(&t->fake, &t->ups, 1);
	fake_wait(&t->fake, &t->changes, 2);
	assert_int_equal(only_container(t).state, CONTAINER_EXITED);
}

static void
a_lost_stream_is_told_once_and_comes_back(void **state)
{
	struct test *t = *state;

	fake_wait(&t->fake, &t->ups, 1);
	t->refuse = true;
	fake_close(t->stream);
	fake_wait(&t->fake, &t->connects, 5);
	assert_int_equal(t->downs, 1);
	assert_false(engine_is_up(t->engine));
	/* stale, but not gone: the containers may still run */
	assert_int_equal(only_container(t).state, CONTAINER_RUNNING);
	t->refuse = false;
	t->list = "[]";
	t->changes = 0;
	fake_wait(&t->fake, &t->ups, 2);
	assert_true(t->changed_before_up);
	assert_int_equal(engine_container_count(t->engine), 0);
	fake_close(t->stream);
	fake_wait(&t->fake, &t->downs, 2);
}

static void
an_engine_that_is_not_there_is_told_once(void **state)
{
	struct test *t = *state;

	t->refuse = true;
	fake_wait(&t->fake, &t->connects, 4);
	assert_int_equal(t->downs, 1);
	assert_string_equal(t->reason, "nobody listens");
	t->refuse = false;
	fake_wait(&t->fake, &t->ups, 1);
}

static void
garbage_in_the_stream_ends_it(void **state)
{
	static const char *const garbage[] = {"[]", "{\"Action\":7}", "{}", "{]}", "x"};
	struct test *t = *state;

	for (int i = 0; i < (int)ARRAY_LEN(garbage); i++) {
		fake_wait(&t->fake, &t->ups, i + 1);
		fake_chunk(t->stream, garbage[i]);
		fake_wait(&t->fake, &t->downs, i + 1);
	}
}

static void
a_list_that_is_none_keeps_it_down(void **state)
{
	static const char *const lists[] = {"{}", "[", "", "[{}", "nonsense"};
	struct test *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		t->list = lists[i];
		fake_wait(&t->fake, &t->streams, (int)i + 2);
		assert_int_equal(t->ups, 0);
		assert_int_equal(t->downs, 1);
	}
}

static void
containers_that_make_no_sense_do_not_hide_the_others(void **state)
{
	struct test *t = *state;

	t->list = "[{}, {\"Id\":7}, {\"a\":}, " ENTRY(A, "shop", "running", "Up") ", {\"Id\":\"..\"}]";
	fake_wait(&t->fake, &t->ups, 1);
	assert_int_equal(only_container(t).state, CONTAINER_RUNNING);
	/* an event about an id that is none is nothing to look at */
	fake_chunk(t->stream, EVENT("start", "../../images/json", "1"));
	fake_settle(&t->fake);
	assert_int_equal(t->inspections, 0);
	assert_int_equal(t->downs, 0);
}

static void
an_engine_without_our_version_is_asked_without_one(void **state)
{
	struct test *t = *state;

	t->old = true;
	fake_wait(&t->fake, &t->ups, 1);
	assert_int_equal(t->downs, 0);
	assert_int_equal(fake_count(&t->fake, "/v1.41/"), 1);
	assert_int_equal(only_container(t).state, CONTAINER_RUNNING);
}

/* One answer, kept. */
struct got {
	int n;
	int num;
	int status;
	bool missing;
	char id[100];
	char msg[200];
};

static void
on_reply(void *ctx, const struct engine_reply *reply)
{
	struct got *g = ctx;
	const char *id = engine_image_id(reply);

	g->n++;
	g->num = reply->err->num;
	g->status = reply->status;
	g->missing = reply->missing;
	snprintf(g->id, sizeof(g->id), "%s", id != NULL ? id : "");
	snprintf(g->msg, sizeof(g->msg), "%.199s", reply->err->msg);
}

static void
images_are_there_missing_or_an_error(void **state)
{
	struct test *t = *state;
	struct got there = {0}, missing = {0}, wrong = {0}, bad = {0};

	fake_wait(&t->fake, &t->ups, 1);
	engine_image(t->engine, "there", on_reply, &there);
	engine_image(t->engine, "gone:1", on_reply, &missing);
	engine_image(t->engine, "wrong", on_reply, &wrong);
	engine_image(t->engine, "../../containers/json", on_reply, &bad);
	assert_int_equal(bad.n, 0);
	fake_wait(&t->fake, &there.n, 1);
	fake_wait(&t->fake, &missing.n, 1);
	fake_wait(&t->fake, &wrong.n, 1);
	fake_wait(&t->fake, &bad.n, 1);
	assert_string_equal(there.id, "sha256:" A);
	assert_true(missing.missing);
	assert_int_equal(missing.num, 0);
	assert_int_equal(wrong.num, EREMOTEIO);
	assert_string_equal(wrong.msg, "the engine answers 500: it \\x1b[31m broke");
	assert_int_equal(bad.num, EINVAL);
	assert_int_equal(fake_count(&t->fake, "images"), 3);
}

static void
a_network_is_not_found_by_the_beginning_of_an_id(void **state)
{
	struct test *t = *state;
	struct got edge = {0}, prefix = {0};

	fake_wait(&t->fake, &t->ups, 1);
	engine_network(t->engine, "edge", on_reply, &edge);
	engine_network(t->engine, "aaaa", on_reply, &prefix);
	fake_wait(&t->fake, &edge.n, 1);
	fake_wait(&t->fake, &prefix.n, 1);
	assert_false(edge.missing);
	assert_true(prefix.missing);
}

static void
a_fresh_list_is_that_of_the_project(void **state)
{
	struct test *t = *state;
	struct got got = {0}, bad = {0};

	fake_wait(&t->fake, &t->ups, 1);
	engine_list(t->engine, "shop", on_reply, &got);
	engine_list(t->engine, "sh\"op", on_reply, &bad);
	fake_wait(&t->fake, &got.n, 1);
	fake_wait(&t->fake, &bad.n, 1);
	assert_int_equal(got.status, 200);
	assert_int_equal(fake_count(&t->fake, "project=shop%22"), 1);
	assert_int_equal(bad.num, EINVAL);
}

static void
a_cancelled_request_is_never_answered(void **state)
{
	struct test *t = *state;
	struct got cancelled = {0}, other = {0};
	struct engine_req *sent;

	fake_wait(&t->fake, &t->ups, 1);
	engine_cancel(engine_image(t->engine, "there", on_reply, &cancelled));
	engine_cancel(engine_image(t->engine, "../bad", on_reply, &cancelled));
	engine_cancel(NULL);
	sent = engine_image(t->engine, "there", on_reply, &cancelled);
	engine_image(t->engine, "there", on_reply, &other);
	event_base_loop(t->fake.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	engine_cancel(sent);
	fake_wait(&t->fake, &other.n, 1);
	fake_settle(&t->fake);
	assert_int_equal(cancelled.n, 0);
}

static void
requests_fail_when_there_is_no_connection(void **state)
{
	struct test *t = *state;
	struct got got[3] = {{0}};

	t->refuse = true;
	for (size_t i = 0; i < ARRAY_LEN(got); i++)
		engine_image(t->engine, "there", on_reply, &got[i]);
	for (size_t i = 0; i < ARRAY_LEN(got); i++) {
		fake_wait(&t->fake, &got[i].n, 1);
		assert_int_equal(got[i].num, ECONNREFUSED);
		assert_string_equal(got[i].msg, "no connection to the engine: nobody listens");
	}
}

static void
a_thousand_containers_cost_less_than_a_kilobyte_each(void **state)
{
	struct container c = {.name = "a-service-name-of-some-length-1",
	    .project = "a-service-name-of-some-length",
	    .service = "a-compose-service-of-some-length",
	    .image = "sha256:" A,
	    .image_id = "sha256:" A,
	    .config_hash = A};
	size_t texts = strlen(c.name) + strlen(c.project) + strlen(c.service) + strlen(c.image) + strlen(c.image_id) +
		       strlen(c.config_hash) + 6;

	(void)state;
	/* one allocation each, see container_copy, and a pointer in the view */
	assert_true(sizeof(c) + texts + 16 + 2 * sizeof(void *) < 1024);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_is_called_from_within_engine_new),
	    TEST(the_first_list_brings_it_up),
	    TEST(a_container_that_dies_is_seen_although_the_engine_is_slow),
	    TEST(one_that_runs_out_of_memory_is_told_once),
	    TEST(a_new_container_appears_and_a_removed_one_goes),
	    TEST(a_removed_container_does_not_come_back_with_a_late_answer),
	    TEST(many_events_are_one_look),
	    TEST(an_event_before_the_list_is_not_lost),
	    TEST(a_lost_stream_is_told_once_and_comes_back),
	    TEST(an_engine_that_is_not_there_is_told_once),
	    TEST(garbage_in_the_stream_ends_it),
	    TEST(a_list_that_is_none_keeps_it_down),
	    TEST(containers_that_make_no_sense_do_not_hide_the_others),
	    TEST(an_engine_without_our_version_is_asked_without_one),
	    TEST(images_are_there_missing_or_an_error),
	    TEST(a_network_is_not_found_by_the_beginning_of_an_id),
	    TEST(a_fresh_list_is_that_of_the_project),
	    TEST(a_cancelled_request_is_never_answered),
	    TEST(requests_fail_when_there_is_no_connection),
	    TEST(a_thousand_containers_cost_less_than_a_kilobyte_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
