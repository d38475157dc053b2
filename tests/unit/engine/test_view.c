#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "engine/view.h"

#define WEB "0ce004d00510f17ad922c6e015fd3c868943e9799d4429405baf2d8eb154c63f"

static json_t *
fixture(const char *name)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	auto_free char *path = str_printf("%s/%s", FIXTURES, name);
	json_t *doc;

	assert_int_equal(io_read_file(AT_FDCWD, path, &b, NULL), 0);
	doc = json_loads(buf_str(&b), 0, NULL);
	assert_non_null(doc);
	return doc;
}

/* Counts the reports and keeps the last. */
struct reports {
	int n;
	char last[64];
};

static void
on_changed(void *ctx, const char *project)
{
	struct reports *r = ctx;

	r->n++;
	snprintf(r->last, sizeof(r->last), "%s", project);
}

static void
fill(struct view *v, const json_t *list)
{
	view_list_begin(v);
	for (size_t i = 0; i < json_array_size(list); i++)
		view_list_item(v, json_array_get(list, i));
	view_list_end(v);
}

static bool
join_names(void *ctx, const struct container *c)
{
	buf_printf(ctx, "%s ", c->name);
	return true;
}

static bool
only_one(void *ctx, const struct container *c)
{
	(void)c;
	return ++*(int *)ctx < 1;
}

static void
a_list_becomes_the_view(void **state)
{
	json_t *doc = fixture("shop.json");
	struct reports r = {0};
	struct view *v = view_new(on_changed, &r);
	auto_buf struct buf names = BUF_INIT(1000);
	const struct container *c;
	int calls = 0;

	(void)state;
	fill(v, json_object_get(doc, "list"));
	assert_int_equal(view_count(v), 5);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.last, "shop");
	view_each(v, "shop", join_names, &names);
	assert_string_equal(
	    buf_str(&names), "shop-job-1 shop-web-1 shop-worker-1 shop-worker-run-5439fe0408a9 shop-worker-2 ");
	view_each(v, "other", only_one, &calls);
	assert_int_equal(calls, 0);
	view_each(v, NULL, only_one, &calls);
	assert_int_equal(calls, 1);
	c = view_find(v, WEB);
	json_decref(doc);
	assert_non_null(c);
	assert_string_equal(c->service, "web");
	assert_string_equal(c->image, "eng-test:1");
	assert_true(str_starts(c->image_id, "sha256:46f7"));
	assert_true(str_starts(c->config_hash, "75e8f475"));
	assert_int_equal(c->number, 1);
	assert_int_equal(c->state, CONTAINER_RUNNING);
	assert_int_equal(c->health, HEALTH_HEALTHY);
	assert_int_equal(c->exit_code, -1);
	assert_false(c->oneoff);
	assert_true(c->publishes);
	view_free(v);
}

static void
the_same_list_again_is_no_change(void **state)
{
	json_t *doc = fixture("shop.json");
	json_t *list = json_object_get(doc, "list");
	struct reports r = {0};
	struct view *v = view_new(on_changed, &r);

	(void)state;
	fill(v, list);
	fill(v, list);
	assert_int_equal(r.n, 1);
	json_array_remove(list, 0);
	fill(v, list);
	assert_int_equal(r.n, 2);
	assert_int_equal(view_count(v), 4);
	view_list_begin(v);
	view_list_begin(v);
	view_list_end(v);
	assert_int_equal(view_count(v), 0);
	assert_int_equal(r.n, 3);
	view_free(v);
	json_decref(doc);
}

static void
list_and_inspect_agree_about_a_container(void **state)
{
	json_t *doc = fixture("shop.json");
	json_t *inspect = fixture("inspect.json");
	struct container a = {.id = ""};
	struct container b = {.id = ""};
	bool found = false;

	(void)state;
	for (size_t i = 0; !found && i < json_array_size(json_object_get(doc, "list")); i++)
		found = container_from_list(&a, json_array_get(json_object_get(doc, "list"), i)) && str_eq(a.id, WEB);
	assert_true(found);
	assert_true(container_from_inspect(&b, inspect));
	assert_string_equal(a.id, b.id);
	assert_string_equal(a.name, b.name);
	assert_string_equal(a.project, b.project);
	assert_string_equal(a.service, b.service);
	assert_string_equal(a.image, b.image);
	assert_string_equal(a.image_id, b.image_id);
	assert_string_equal(a.config_hash, b.config_hash);
	assert_int_equal(a.number, b.number);
	assert_int_equal(a.state, b.state);
	assert_int_equal(a.health, b.health);
	assert_int_equal(a.exit_code, b.exit_code);
	assert_int_equal(a.created, b.created);
	json_decref(doc);
	json_decref(inspect);
}

static void
set_state(json_t *inspect, const char *status, int code)
{
	json_object_set_new(inspect, "State", json_pack("{s:s, s:i}", "Status", status, "ExitCode", code));
}

static void
an_inspection_changes_only_what_differs(void **state)
{
	json_t *inspect = fixture("inspect.json");
	struct reports r = {0};
	struct view *v = view_new(on_changed, &r);

	(void)state;
	view_inspect(v, inspect);
	assert_int_equal(r.n, 1);
	view_inspect(v, inspect);
	assert_int_equal(r.n, 1);
	view_told(v, WEB, "die");
	assert_int_equal(r.n, 2);
	set_state(inspect, "exited", 137);
	view_inspect(v, inspect);
	assert_int_equal(r.n, 3);
	assert_int_equal(view_find(v, WEB)->exit_code, 137);
	assert_int_equal(view_find(v, WEB)->health, HEALTH_NONE);
	assert_int_equal(view_find(v, WEB)->deaths, 1);
	set_state(inspect, "flying", 0);
	view_inspect(v, inspect);
	assert_int_equal(view_find(v, WEB)->state, CONTAINER_UNKNOWN);
	view_remove(v, WEB);
	assert_int_equal(r.n, 5);
	assert_null(view_find(v, WEB));
	view_remove(v, WEB);
	view_told(v, WEB, "die");
	assert_int_equal(r.n, 5);
	view_free(v);
	json_decref(inspect);
}

static void
who_was_told_to_end_did_not_end_alone(void **state)
{
	static const struct {
		const char *events[4];
		bool alone;
	} cases[] = {
	    {{"start", "die"}, true},
	    {{"start", "kill", "die"}, false},
	    {{"kill", "die", "start"}, false},
	    {{"kill", "start", "die"}, true},
	    {{"start", "die", "stop", "kill"}, true},
	};
	json_t *inspect = fixture("inspect.json");
	struct reports r = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view *v = view_new(on_changed, &r);

		view_inspect(v, inspect);
		for (size_t k = 0; k < 4 && cases[i].events[k] != NULL; k++) {
			view_told(v, WEB, cases[i].events[k]);
			view_inspect(v, inspect);
		}
		assert_int_equal(view_find(v, WEB)->ended_alone, cases[i].alone);
		view_free(v);
	}
	json_decref(inspect);
}

static void
a_list_does_not_forget_who_ran_out_of_memory(void **state)
{
	json_t *inspect = fixture("inspect.json");
	json_t *doc = fixture("shop.json");
	const json_t *list = json_object_get(doc, "list");
	struct reports r = {0};
	struct view *v = view_new(on_changed, &r);

	(void)state;
	fill(v, list);
	assert_false(view_find(v, WEB)->oom);
	json_object_set_new(json_object_get(inspect, "State"), "OOMKilled", json_true());
	r.n = 0;
	view_inspect(v, inspect);
	assert_int_equal(r.n, 1);
	fill(v, list);
	assert_true(view_find(v, WEB)->oom);
	json_object_set_new(json_object_get(inspect, "State"), "OOMKilled", json_false());
	view_inspect(v, inspect);
	assert_false(view_find(v, WEB)->oom);
	view_free(v);
	json_decref(inspect);
	json_decref(doc);
}

static void
what_makes_no_sense_is_left_out(void **state)
{
	static const char *const bad[] = {"{}", "[]", "7", "{\"Id\":7}", "{\"Id\":\"abc\"}", "{\"Id\":\"" WEB "\"}",
	    "{\"Id\":\"" WEB "\",\"Labels\":{\"com.docker.compose.project\":\"../x\"}}",
	    "{\"Id\":\"" WEB "\",\"Labels\":{\"com.docker.compose.project\":\"\"}}",
	    "{\"Id\":\"" WEB "x\",\"Labels\":{\"com.docker.compose.project\":\"web\"}}"};
	struct reports r = {0};
	struct view *v = view_new(on_changed, &r);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_t *o = json_loads(bad[i], JSON_DECODE_ANY, NULL);

		assert_non_null(o);
		view_list_begin(v);
		view_list_item(v, o);
		view_list_end(v);
		view_inspect(v, o);
		json_decref(o);
	}
	assert_int_equal(view_count(v), 0);
	assert_int_equal(r.n, 0);
	view_free(v);
}

static void
hostile_labels_cost_little_memory(void **state)
{
	char huge[100000];
	json_t *o;
	struct container c = {.id = ""};
	struct container *copy;

	(void)state;
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	o = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "Id", WEB, "State", "running", "Image", huge, "Labels",
	    "com.docker.compose.project", "web", "com.docker.compose.service", huge,
	    "com.docker.compose.container-number", "-7");
	assert_true(container_from_list(&c, o));
	copy = container_copy(&c);
	json_decref(o);
	assert_int_equal(strlen(copy->service), 512);
	assert_int_equal(strlen(copy->image), 512);
	assert_int_equal(copy->number, 0);
	free(copy);
}

/* How a container with these networks is kept: "network ip; network ip". */
static char *
kept_addresses(json_t *take_networks)
{
	json_t *o = json_pack("{s:s, s:s, s:{s:s}, s:{s:o}}", "Id", WEB, "State", "running", "Labels",
	    "com.docker.compose.project", "web", "NetworkSettings", "Networks", take_networks);
	struct buf b = BUF_INIT(4096);
	struct container c = {.id = ""};
	struct container_address address;
	struct container *copy;
	const char *at;

	assert_true(container_from_list(&c, o));
	copy = container_copy(&c);
	json_decref(o);
	for (at = copy->addresses; container_address(&at, &address);)
		buf_printf(&b, "%s %s %s; ", address.network, address.id, address.ip);
	free(copy);
	return buf_take(&b);
}

static void
addresses_are_kept_and_what_is_none_is_left_out(void **state)
{
	char huge[1000];
	auto_free char *good = kept_addresses(json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s}}", "edge",
	    "NetworkID", WEB, "IPAddress", "10.1.2.3", "GlobalIPv6Address", "fd00::2", "six", "NetworkID", WEB,
	    "IPAddress", "", "GlobalIPv6Address", "fd00::2", "host", "NetworkID", WEB, "IPAddress", ""));
	auto_free char *want = str_printf("edge %.12s 10.1.2.3; six %.12s fd00::2; host %.12s ; ", WEB, WEB, WEB);
	auto_free char *bad = NULL;
	auto_free char *many = NULL;
	json_t *networks = json_object();

	(void)state;
	assert_string_equal(good, want);
	memset(huge, 'n', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	bad = kept_addresses(
	    json_pack("{s:{s:s, s:s}, s:{s:s}, s:s, s:{s:s, s:s}}", "a b\nc", "NetworkID", WEB, "IPAddress", "10.1.2.3",
		"x", "IPAddress", "10.1.2.3", "y", "z", huge, "NetworkID", WEB, "IPAddress", "10.1.2.3"));
	assert_string_equal(bad, "");
	for (int i = 0; i < 1000; i++) {
		snprintf(huge, sizeof(huge), "net%d", i);
		json_object_set_new(
		    networks, huge, json_pack("{s:s, s:s}", "NetworkID", WEB, "IPAddress", "10.1.2.3; respond 1"));
	}
	many = kept_addresses(networks);
	assert_true(strlen(many) < 4000 && strstr(many, "respond") == NULL && str_ends(many, " ; "));
}

static void
exit_codes_and_health_are_read_from_the_status(void **state)
{
	(void)state;
	assert_int_equal(container_status_exit("Exited (0) 5 minutes ago"), 0);
	assert_int_equal(container_status_exit("Exited (137) About an hour ago"), 137);
	assert_int_equal(container_status_exit("Restarting (1) 3 seconds ago"), 1);
	assert_int_equal(container_status_exit("Dead"), -1);
	assert_int_equal(container_status_exit("Exited"), -1);
	assert_int_equal(container_status_exit("Exited (x)"), -1);
	assert_int_equal(container_status_exit("Exited (99999999999999999999)"), -1);
	assert_int_equal(container_status_exit("Exited (-1)"), -1);
	assert_int_equal(container_status_exit("Up 5 minutes"), -1);
	assert_int_equal(container_status_health("Up 5 minutes"), HEALTH_NONE);
	assert_int_equal(container_status_health("Up 5 minutes (Paused)"), HEALTH_NONE);
	assert_int_equal(container_status_health("Up 5 minutes (healthy)"), HEALTH_HEALTHY);
	assert_int_equal(container_status_health("Up 5 minutes (unhealthy)"), HEALTH_UNHEALTHY);
	assert_int_equal(container_status_health("Up Less than a second (health: starting)"), HEALTH_STARTING);
	assert_int_equal(container_status_health("Exited (0) (healthy)"), HEALTH_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_becomes_the_view),
	    cmocka_unit_test(the_same_list_again_is_no_change),
	    cmocka_unit_test(list_and_inspect_agree_about_a_container),
	    cmocka_unit_test(an_inspection_changes_only_what_differs),
	    cmocka_unit_test(who_was_told_to_end_did_not_end_alone),
	    cmocka_unit_test(a_list_does_not_forget_who_ran_out_of_memory),
	    cmocka_unit_test(what_makes_no_sense_is_left_out),
	    cmocka_unit_test(hostile_labels_cost_little_memory),
	    cmocka_unit_test(addresses_are_kept_and_what_is_none_is_left_out),
	    cmocka_unit_test(exit_codes_and_health_are_read_from_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
