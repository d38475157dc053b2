/* The policy on models that real compose printed: models/pass must be approved, models/refuse/NAME.json must be refused
 * at exactly the places that NAME.expect lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/model.h"
#include "compose/pins.h"
#include "compose/policy.h"

#define LIVE "/var/lib/pgo/web"

static const struct policy account = {.project = "web", .live = LIVE, .datadir = "/data/web"};

static char *
read_text(const char *path)
{
	auto_buf struct buf text = BUF_INIT(MODEL_MAX);
	FILE *f = fopen(path, "re");
	char chunk[4096];
	size_t n;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&text, chunk, n);
	fclose(f);
	return buf_take(&text);
}

static json_t *
read_model(const char *path)
{
	auto_free char *text = read_text(path);
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", path, err.msg);
	return model;
}

/* Calls fn for each .json file of a directory; returns their number. */
static size_t
each_model(const char *dir, void (*fn)(const char *path))
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		auto_free char *path = str_printf("%s/%s", dir, entry->d_name);

		if (!str_ends(path, ".json"))
			continue;
		fn(path);
		n++;
	}
	closedir(d);
	return n;
}

static void
must_pass(const char *path)
{
	auto_json json_t *model = read_model(path);
	struct policy root = account;

	root.root = true;
	for (int i = 0; i < 2; i++) {
		auto_violations struct violations vs = {0};
		auto_free char *text = NULL;

		policy_check(model, i == 0 ? &account : &root, &vs);
		text = violations_text(&vs);
		if (vs.n != 0)
			fail_msg("%s: %s", path, text);
	}
}

static void
must_refuse(const char *path)
{
	auto_free char *expect_path = str_printf("%.*s.expect", (int)(strlen(path) - strlen(".json")), path);
	auto_json json_t *model = read_model(path);
	auto_free char *expected = read_text(expect_path);
	auto_violations struct violations vs = {0};
	auto_buf struct buf found = BUF_INIT(65536);
	size_t n = policy_check(model, &account, &vs);
	auto_free char *text = NULL;

	assert_int_equal(n, vs.n);
	for (size_t i = 0; i < vs.n; i++)
		buf_printf(&found, "%s\n", vs.v[i].path);
	text = violations_text(&vs);
	if (vs.n == 0 || !str_eq(buf_str(&found), expected))
		fail_msg("%s: expected\n%sgot\n%s", path, expected, text);
}

static void
an_ordinary_compose_file_is_refused(void **state)
{
	(void)state;
	assert_true(each_model(MODELS "/pass", must_pass) >= 25);
}

/* As the pipeline does it, every file being one that the containers read. */
static json_t *
approve(const json_t *model)
{
	static const struct model_place place = {"web", LIVE, "/data/web", "/run/pgo/pins/x"};
	struct model_image_id ids[64];
	auto_strv struct strv inputs = {NULL, 0}, answers = {NULL, 0};
	struct err err = ERR_INIT;
	json_t *approved, *service;
	const char *name;
	size_t n = 0;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		assert_true(n < ARRAY_LEN(ids));
		ids[n++] = (struct model_image_id){
		    name, "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
	}
	approved = model_approve(model, ids, n, &err);
	assert_non_null(approved);
	assert_int_equal(model_inputs(model, LIVE, &inputs, &err), 0);
	for (size_t i = 0; i < inputs.n; i++)
		strv_add(&answers, "absent");
	model_label_inputs(approved, model, &inputs, &answers);
	assert_int_equal(model_pin(approved, &place, &err), 0);
	return approved;
}

static void
must_pass_again(const char *path)
{
	auto_json json_t *model = read_model(path);
	auto_json json_t *approved = approve(model);
	auto_json json_t *again = model_to_judge(approved);
	auto_violations struct violations vs = {0};
	auto_free char *text = NULL;

	policy_check(again, &account, &vs);
	text = violations_text(&vs);
	if (vs.n != 0)
		fail_msg("%s: %s", path, text);
}

static void
what_was_approved_is_refused_by_the_same_rules(void **state)
{
	(void)state;
	assert_true(each_model(MODELS "/pass", must_pass_again) >= 25);
}

static void
a_hostile_compose_file_is_approved(void **state)
{
	(void)state;
	assert_true(each_model(MODELS "/refuse", must_refuse) >= 40);
}

static size_t
violations_of(const char *name, const struct policy *p, char **ret_text)
{
	auto_free char *path = str_printf(MODELS "/refuse/%s.json", name);
	auto_json json_t *model = read_model(path);
	auto_violations struct violations vs = {0};
	size_t n = policy_check(model, p, &vs);

	if (ret_text != NULL)
		*ret_text = violations_text(&vs);
	return n;
}

static void
root_does_not_get_what_the_manual_promises(void **state)
{
	static const char *const lifted[] = {"privileged", "network-host", "ipc-host", "ports-short", "bind-root",
	    "bind-socket", "volume-external", "volume-driver-opts", "devices", "cap-add", "build-context",
	    "config-file", "network-external-host", "many", "container-name"};
	struct policy root = account;

	(void)state;
	root.root = true;
	for (size_t i = 0; i < ARRAY_LEN(lifted); i++) {
		auto_free char *text = NULL;

		if (violations_of(lifted[i], &root, &text) != 0)
			fail_msg("%s: %s", lifted[i], text);
	}
}

static void
root_speaks_for_another_project(void **state)
{
	static const char *const kept[] = {
	    "hand-project", "label-compose", "label-volume", "hand-include", "hand-env-file", "config-environment"};
	struct policy root = account;

	(void)state;
	root.root = true;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		if (violations_of(kept[i], &root, NULL) == 0)
			fail_msg("%s is lifted", kept[i]);
	}
}

static json_t *
parse(const char *text)
{
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", text, err.msg);
	return model;
}

static size_t
check_text(const char *text, const struct policy *p)
{
	auto_json json_t *model = parse(text);
	auto_violations struct violations vs = {0};

	return policy_check(model, p, &vs);
}

#define NETWORKS(body) "{\"services\":{\"a\":{\"image\":\"x\"}},\"networks\":{" body "}}"

static void
a_network_that_is_not_listed_is_joined(void **state)
{
	auto_strv struct strv list = {0};
	struct policy p = account;

	(void)state;
	p.has_networks = true;
	p.networks = &list;
	/* An empty list allows all, as documented. */
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"edge\",\"external\":true}"), &p), 0);
	strv_add(&list, "reverseproxy");
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"reverseproxy\",\"external\":true}"), &p), 0);
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"web_n\"}"), &p), 0);
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"edge\",\"external\":true}"), &p), 1);
	assert_int_equal(check_text(NETWORKS("\"edge\":{\"external\":true}"), &p), 1);
	/* Not external, but by the name of one that exists: compose joins that one. */
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"edge\"}"), &p), 1);
	/* Another project's own network, named as external. */
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"web_n\",\"external\":true}"), &p), 1);
	p.root = true;
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"edge\",\"external\":true}"), &p), 1);
	p.has_networks = false;
	assert_int_equal(check_text(NETWORKS("\"n\":{\"name\":\"edge\",\"external\":true}"), &p), 0);
}

static void
a_service_without_data_directory_mounts_one(void **state)
{
	struct policy p = account;

	(void)state;
	p.datadir = NULL;
	assert_int_equal(check_text("{\"services\":{\"a\":{\"image\":\"x\",\"volumes\":[{\"type\":\"bind\",\"source\":"
				    "\"/data/web/x\",\"target\":\"/x\"}]}}}",
			     &p),
	    1);
}

#define BINDS(above, below)                                                                         \
	"{\"services\":{\"a\":{\"image\":\"x\",\"volumes\":[{\"type\":\"bind\",\"source\":\"" above \
	"\",\"target\":\"/a\"},{\"type\":\"bind\",\"source\":\"" below "\",\"target\":\"/b\"}]}}}"

static void
a_container_swaps_a_path_that_is_not_pinned(void **state)
{
	auto_strv struct strv allow = {0};
	struct policy p = account;

	(void)state;
	strv_add(&allow, "volumes:/srv");
	strv_add(&allow, "volumes:/data");
	p.allow = &allow;
	assert_int_equal(check_text(BINDS("/srv", "/srv/below"), &p), 1);
	assert_int_equal(check_text(BINDS(LIVE, LIVE "/below"), &p), 0);
	assert_int_equal(check_text(BINDS("/data/web", "/data/web/below"), &p), 0);
	assert_int_equal(check_text(BINDS("/data", "/data/web/below"), &p), 0);
	assert_int_equal(check_text(BINDS("/data", "/data/other/below"), &p), 1);
}

static void
subnets_of_the_world_are_taken(void **state)
{
	static const struct {
		const char *subnet;
		size_t n;
	} rows[] = {
	    {"10.0.0.0/8", 1},
	    {"10.0.0.0/15", 1},
	    {"fd00::/47", 1},
	    {"fd00::/48", 0},
	    {"10.1.2.0/24", 0},
	    {"172.31.0.0/16", 0},
	    {"192.168.1.0/24", 0},
	    {"fd00:1::/64", 0},
	    {"10.0.0.0/7", 1},
	    {"172.32.0.0/16", 1},
	    {"172.16.0.0/11", 1},
	    {"0.0.0.0/0", 1},
	    {"8.8.8.0/24", 1},
	    {"2001:db8::/64", 1},
	    {"10.0.0.0", 1},
	    {"10.0.0.0/x", 1},
	    {"10.0.0.0/33", 1},
	    {"10.0.0/24", 1},
	    {"/8", 1},
	    {"::/0", 1},
	    {"::ffff:10.0.0.0/104", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text =
		    str_printf(NETWORKS("\"n\":{\"ipam\":{\"config\":[{\"subnet\":\"%s\"}]}}"), rows[i].subnet);

		if (check_text(text, &account) != rows[i].n)
			fail_msg("%s", rows[i].subnet);
	}
}

static void
a_violation_has_no_sentence(void **state)
{
	auto_free char *text = NULL;

	(void)state;
	violations_of("privileged", &account, &text);
	assert_string_equal(text, "services.web.privileged: privileged is not allowed; remove the key\n");
}

static void
a_violation_writes_to_the_terminal(void **state)
{
	auto_json json_t *model = parse("{\"services\":{\"a\":{\"image\":\"x\",\"\\u001b[2J\\n<2>pgod\":1}}}");
	auto_violations struct violations vs = {0};
	auto_free char *text = NULL;

	(void)state;
	assert_int_equal(policy_check(model, &account, &vs), 1);
	text = violations_text(&vs);
	assert_null(strchr(text, '\033'));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void
thousands_of_violations_fill_the_memory(void **state)
{
	auto_json json_t *model = parse("{\"services\":{\"a\":{\"image\":\"x\"}}}");
	json_t *service = json_object_get(json_object_get(model, "services"), "a");
	auto_violations struct violations vs = {0};
	auto_free char *text = NULL;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		auto_free char *key = str_printf("k%d", i);

		json_object_set_new(service, key, json_true());
	}
	assert_int_equal(policy_check(model, &account, &vs), VIOLATIONS_MAX);
	assert_true(vs.more);
	text = violations_text(&vs);
	assert_non_null(strstr(text, "more than 100 violations"));
}

/* A million names against a thousand services is more than core may do before its next event. */
static void
a_million_aliases_keep_core_busy(void **state)
{
	auto_json json_t *model = parse("{\"services\":{\"a\":{\"image\":\"x\",\"networks\":{\"e\":{}}}},\"networks\":{"
					"\"e\":{\"external\":true,\"name\":\"edge\"}}}");
	json_t *services = json_object_get(model, "services");
	json_t *networks = json_object_get(json_object_get(services, "a"), "networks");
	auto_violations struct violations vs = {0};
	json_t *aliases = json_array();

	(void)state;
	for (int i = 0; i < 100000; i++)
		json_array_append_new(aliases, json_string("x"));
	json_object_set_new(json_object_get(networks, "e"), "aliases", aliases);
	assert_int_equal(policy_check(model, &account, &vs), 1);
	assert_string_equal(vs.v[0].path, "networks");
}

static void
a_symbolic_link_is_not_told_where_it_is_named(void **state)
{
	auto_json json_t *model = parse("{\"services\":{\"a\":{\"image\":\"x\",\"volumes\":["
					"{\"type\":\"tmpfs\",\"target\":\"/t\"},{\"type\":\"bind\",\"source\":\"" LIVE
					"/l/x\",\"target\":\"/x\"}]}},\"configs\":{\"c\":{\"file\":\"" LIVE "/l\"}}}");
	auto_violations struct violations vs = {0};

	(void)state;
	policy_symlink(model, LIVE "/l", LIVE "/l", &vs);
	policy_symlink(model, LIVE "/l/x", LIVE "/l", &vs);
	policy_symlink(model, LIVE "/nobody-asked", LIVE "/nobody-asked", &vs);
	assert_int_equal(vs.n, 3);
	assert_string_equal(vs.v[0].path, "configs.c.file");
	assert_string_equal(vs.v[1].path, "services");
	assert_string_equal(vs.v[2].path, "services.a.volumes[1].source");
	assert_string_equal(vs.v[2].rule, LIVE "/l/x lies behind " LIVE "/l, which is a symbolic link");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_ordinary_compose_file_is_refused),
	    cmocka_unit_test(what_was_approved_is_refused_by_the_same_rules),
	    cmocka_unit_test(a_hostile_compose_file_is_approved),
	    cmocka_unit_test(root_does_not_get_what_the_manual_promises),
	    cmocka_unit_test(root_speaks_for_another_project),
	    cmocka_unit_test(a_network_that_is_not_listed_is_joined),
	    cmocka_unit_test(a_service_without_data_directory_mounts_one),
	    cmocka_unit_test(a_container_swaps_a_path_that_is_not_pinned),
	    cmocka_unit_test(subnets_of_the_world_are_taken),
	    cmocka_unit_test(a_violation_has_no_sentence),
	    cmocka_unit_test(a_violation_writes_to_the_terminal),
	    cmocka_unit_test(thousands_of_violations_fill_the_memory),
	    cmocka_unit_test(a_million_aliases_keep_core_busy),
	    cmocka_unit_test(a_symbolic_link_is_not_told_where_it_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
