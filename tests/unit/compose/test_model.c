/* Parsing, paths, the copy that runs and the digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/model.h"
#include "compose/policy.h"

#define LIVE "/var/lib/pgo/web"
#define ID_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static json_t *
parse(const char *text)
{
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", text, err.msg);
	return model;
}

static void
must_not_parse(const char *text, size_t len, const char *why)
{
	struct err err = ERR_INIT;

	if (model_parse(text, len, &err) != NULL || strstr(err.msg, why) == NULL || err.num == 0)
		fail_msg("%.60s: %s", text, err.msg);
}

static void
what_is_no_model_is_parsed(void **state)
{
	static const char *const rows[][2] = {
	    {"", "printed no model"},
	    {"[]", "not a mapping"},
	    {"{\"services\":{}} x", "invalid JSON near byte 17"},
	    {"{\"services\":{\"a\":{},\"a\":{\"privileged\":true}}}", "printed no model"},
	    {"{\"services\":{\"a\":{\"image\":\"\\u0000\"}}}", "printed no model"},
	    {"{}", "no services"},
	    {"{\"services\":[]}", "no services"},
	    {"{\"services\":{\"a\":null}}", "not a mapping"},
	    {"{\"services\":{\"a\":{\"image\":\"${X}\"}}}", "variable"},
	    {"{\"services\":{\"a\":{\"image\":\"$$$X\"}}}", "variable"},
	    {"{\"services\":{\"a\":{\"labels\":{\"$X\":1}}}}", "variable"},
	    {"{\"services\":{\"a\":{\"volumes\":[{\"source\":\"" LIVE "/${X:-../../etc}\"}]}}}", "variable"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		must_not_parse(rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

static void
a_model_without_limits_is_parsed(void **state)
{
	auto_buf struct buf deep = BUF_INIT(MODEL_MAX), many = BUF_INIT(MODEL_MAX);
	auto_free char *huge = calloc(1, MODEL_MAX + 1);

	(void)state;
	assert_non_null(huge);
	memset(huge, ' ', MODEL_MAX + 1);
	must_not_parse(huge, MODEL_MAX + 1, "larger than");
	buf_str_add(&deep, "{\"services\":{},\"x-deep\":");
	for (int i = 0; i < 1000; i++)
		buf_str_add(&deep, "[");
	for (int i = 0; i < 1000; i++)
		buf_str_add(&deep, "]");
	buf_str_add(&deep, "}");
	must_not_parse(deep.data, deep.len, "nested deeper");
	buf_str_add(&many, "{\"services\":{\"s\":{}");
	for (int i = 0; i < MODEL_SERVICES_MAX; i++)
		buf_printf(&many, ",\"s%d\":{}", i);
	buf_str_add(&many, "}}");
	must_not_parse(many.data, many.len, "services");
}

static void
blkio_entries_cannot_be_read_back(void **state)
{
	auto_json json_t *model =
	    parse("{\"services\":{\"a\":{\"blkio_config\":{\"weight\":3,\"device_read_bps\":"
		  "[{\"Path\":\"/dev/sda\",\"Rate\":\"1\"}],\"weight_device\":[{\"Path\":\"/dev/sda\","
		  "\"Weight\":4}]}}}}");
	auto_free char *text = model_dump(model);

	(void)state;
	assert_string_equal(text,
	    "{\"services\":{\"a\":{\"blkio_config\":{\"device_read_bps\":[{\"path\":\"/dev/sda\",\"rate\":\"1\"}],"
	    "\"weight\":3,\"weight_device\":[{\"path\":\"/dev/sda\",\"weight\":4}]}}}}");
}

static void
x_pgo_is_misread(void **state)
{
	static const struct {
		const char *said;
		bool reload;
		enum model_update update, of_a;
	} rows[] = {
	    {"null", true, MODEL_UPDATE_UNSAID, MODEL_UPDATE_UNSAID},
	    {"{}", true, MODEL_UPDATE_UNSAID, MODEL_UPDATE_UNSAID},
	    {"{\"reload\":true,\"services\":{\"a\":null}}", true, MODEL_UPDATE_UNSAID, MODEL_UPDATE_UNSAID},
	    {"{\"reload\":false,\"services\":null}", false, MODEL_UPDATE_UNSAID, MODEL_UPDATE_UNSAID},
	    {"{\"update\":\"recreate\",\"services\":{}}", true, MODEL_UPDATE_RECREATE, MODEL_UPDATE_UNSAID},
	    {"{\"update\":\"in-place\"}", true, MODEL_UPDATE_IN_PLACE, MODEL_UPDATE_UNSAID},
	    {"{\"update\":\"start-first\",\"services\":{\"a\":{\"update\":\"in-place\"}}}", true,
		MODEL_UPDATE_START_FIRST, MODEL_UPDATE_IN_PLACE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = str_printf("{\"services\":{\"a\":{}},\"x-pgo\":%s}", rows[i].said);
		auto_json json_t *model = parse(text);
		auto_violations struct violations vs = {0};

		policy_x_pgo(model, &vs);
		if (vs.n != 0 || model_reload(model, true) != rows[i].reload || model_update(model) != rows[i].update ||
		    model_service_update(model, "a") != rows[i].of_a)
			fail_msg("%s", text);
	}
}

static void
a_mistake_in_x_pgo_is_overlooked(void **state)
{
	static const struct {
		const char *said, *told;
	} rows[] = {
	    {"{\"reload\":\"false\"}", "x-pgo.reload: must be true or false; write"},
	    {"{\"relaod\":false}", "x-pgo.relaod: unknown key; its keys are reload, update and services"},
	    {"[]", "x-pgo: must be a mapping"},
	    {"false", "x-pgo: must be a mapping"},
	    {"{\"update\":\"rolling\"}", "x-pgo.update: must be recreate, in-place or start-first"},
	    {"{\"update\":true}", "x-pgo.update: must be"},
	    {"{\"update\":\"\"}", "x-pgo.update: must be"},
	    {"{\"services\":[]}", "x-pgo.services: must be a mapping"},
	    {"{\"services\":{\"a\":7}}", "x-pgo.services.a: must be a mapping"},
	    {"{\"services\":{\"b\":{}}}", "x-pgo.services.b: there is no such service"},
	    {"{\"services\":{\"a\":{\"reload\":false}}}", "x-pgo.services.a.reload: unknown key; its only key is"},
	    {"{\"services\":{\"a\":{\"update\":\"recreate\"}}}",
		"x-pgo.services.a.update: must be in-place or start-first"},
	    {"{\"services\":{\"a\":{\"update\":1}}}", "x-pgo.services.a.update: must be"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = str_printf("{\"services\":{\"a\":{}},\"x-pgo\":%s}", rows[i].said);
		auto_json json_t *model = parse(text);
		auto_violations struct violations vs = {0};
		auto_free char *told = NULL;

		policy_x_pgo(model, &vs);
		told = violations_text(&vs);
		if (vs.n != 1 || strstr(told, rows[i].told) == NULL)
			fail_msg("%s: %s", text, told);
	}
}

static void
only_one_mistake_in_x_pgo_is_told(void **state)
{
	auto_json json_t *model = parse("{\"services\":{\"a\":{}},\"x-pgo\":{\"update\":1,\"reload\":1,\"other\":1,"
					"\"services\":{\"a\":{\"update\":\"recreate\"},\"b\":7}}}");
	auto_violations struct violations vs = {0};

	(void)state;
	policy_x_pgo(model, &vs);
	assert_int_equal(vs.n, 6);
}

/* Which services a change of one file's answer gives another label. */
static void
label_of(const char *changed, const char *service, char ret[MODEL_DIGEST_HEX])
{
	static const char text[] =
	    "{\"services\":{\"conf\":{\"image\":\"x\",\"configs\":[{\"source\":\"c\"}],\"labels\":{\"a\":\"b\"}},"
	    "\"key\":{\"image\":\"x\",\"secrets\":[{\"source\":\"s\"}]},"
	    "\"site\":{\"image\":\"x\",\"volumes\":[{\"type\":\"bind\",\"source\":\"" LIVE "/www\"}],"
	    "\"build\":{\"context\":\"" LIVE "/app\"}},\"none\":{\"image\":\"x\"}},"
	    "\"configs\":{\"c\":{\"file\":\"" LIVE "/c.conf\"}},\"secrets\":{\"s\":{\"file\":\"" LIVE "/s.key\"}}}";
	auto_json json_t *model = parse(text), *approved = parse(text);
	auto_strv struct strv inputs = {0}, answers = {0};
	const char *label;

	assert_int_equal(model_inputs(model, LIVE, &inputs, NULL), 0);
	for (size_t i = 0; i < inputs.n; i++)
		strv_add(&answers, str_eq(inputs.v[i] + strlen(LIVE), changed) ? "blob 2" : "blob 1");
	model_label_inputs(approved, model, &inputs, &answers);
	label = json_string_value(
	    json_object_get(json_object_get(json_object_get(json_object_get(approved, "services"), service), "labels"),
		MODEL_INPUTS_LABEL));
	snprintf(ret, MODEL_DIGEST_HEX, "%s", label == NULL ? "" : label);
}

static void
a_changed_file_leaves_the_containers_that_read_it(void **state)
{
	static const struct {
		const char *changed, *relabelled;
	} rows[] = {{"/c.conf", "conf"}, {"/s.key", "key"}, {"/www", "site"}, {"/app", ""}, {"", ""}};
	static const char *const services[] = {"conf", "key", "site"};
	char was[MODEL_DIGEST_HEX], is[MODEL_DIGEST_HEX];

	(void)state;
	label_of("", "none", is);
	assert_string_equal(is, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t k = 0; k < ARRAY_LEN(services); k++) {
			label_of("", services[k], was);
			label_of(rows[i].changed, services[k], is);
			assert_int_equal(strlen(is), MODEL_DIGEST_HEX - 1);
			if (str_eq(was, is) == str_eq(rows[i].relabelled, services[k]))
				fail_msg("%s: %s", rows[i].changed, services[k]);
		}
	}
}

static const char paths_model[] =
    "{\"services\":{\"a\":{\"build\":{\"context\":\"" LIVE "/app\",\"dockerfile\":\"../Dockerfile.app\","
    "\"additional_contexts\":{\"x\":\"" LIVE
    "/shared\",\"y\":\"docker-image://alpine\",\"z\":\"https://e.org/x.git\"}},"
    "\"develop\":{\"watch\":[{\"path\":\"" LIVE "/watched\"}]},"
    "\"volumes\":[{\"type\":\"bind\",\"source\":\"" LIVE "/z$$1\",\"target\":\"/z\"},"
    "{\"type\":\"bind\",\"source\":\"" LIVE "/app\",\"target\":\"/y\"},{\"type\":\"bind\",\"source\":\"/data/web\","
    "\"target\":\"/d\"},{\"type\":\"volume\",\"source\":\"v\",\"target\":\"/v\"}]},"
    "\"b\":{\"build\":{\"context\":\"" LIVE "\",\"dockerfile\":\"Dockerfile\"},"
    "\"volumes\":[{\"type\":\"bind\",\"source\":\"" LIVE "/app\",\"target\":\"/y\"}]},"
    "\"c\":{\"build\":{\"context\":\"https://e.org/x.git\",\"dockerfile\":\"../../x\"}}},"
    "\"configs\":{\"c\":{\"file\":\"" LIVE "/c.conf\"},\"e\":{\"content\":\"x\"}},"
    "\"secrets\":{\"s\":{\"file\":\"" LIVE "/s.key\"},\"f\":{\"file\":\"/data/web/f\"}}}";

static void
assert_words(const struct strv *sv, const char *const *words, size_t n)
{
	assert_int_equal(sv->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(sv->v[i], words[i]);
	assert_null(sv->v[n]);
}

static void
a_path_that_is_read_is_overlooked(void **state)
{
	static const char *const inputs[] = {
	    LIVE, LIVE "/Dockerfile.app", LIVE "/app", LIVE "/c.conf", LIVE "/s.key", LIVE "/shared", LIVE "/z$1"};
	static const char *const data[] = {"/data/web", "/data/web/f"};
	static const char *const binds[] = {"/data/web", LIVE "/app", LIVE "/z$1"};
	auto_json json_t *model = parse(paths_model);
	auto_strv struct strv got = {0}, got_data = {0}, got_binds = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(model_inputs(model, LIVE, &got, &err), 0);
	assert_words(&got, inputs, ARRAY_LEN(inputs));
	assert_int_equal(model_inputs(model, "/data/web", &got_data, &err), 0);
	assert_words(&got_data, data, ARRAY_LEN(data));
	assert_int_equal(model_binds(model, &got_binds, &err), 0);
	assert_words(&got_binds, binds, ARRAY_LEN(binds));
}

static void
a_newline_in_a_path_answers_for_another_path(void **state)
{
	auto_json json_t *model =
	    parse("{\"services\":{\"a\":{\"volumes\":[{\"type\":\"bind\",\"source\":\"" LIVE "/a\\nblob 1\"}]}}}");
	auto_strv struct strv got = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(model_inputs(model, LIVE, &got, &err), -EINVAL);
	assert_int_equal(model_binds(model, &got, &err), -EINVAL);
	assert_int_equal(got.n, 0);
}

static void
thousands_of_paths_fill_the_memory(void **state)
{
	auto_json json_t *model = parse("{\"services\":{\"a\":{\"volumes\":[]}}}");
	json_t *mounts = json_object_get(json_object_get(json_object_get(model, "services"), "a"), "volumes");
	auto_strv struct strv got = {0};
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i <= STRV_MAX; i++) {
		auto_free char *path = str_printf(LIVE "/%d", i);

		json_array_append_new(mounts, json_pack("{ssss}", "type", "bind", "source", path));
	}
	assert_int_equal(model_binds(model, &got, &err), -E2BIG);
	assert_int_equal(got.n, 0);
}

static void
an_external_network_is_overlooked(void **state)
{
	static const char *const names[] = {"edge", "n"};
	auto_json json_t *model = parse(
	    "{\"services\":{},\"networks\":{\"n\":{\"external\":true},\"x\":{\"name\":\"edge\",\"external\":true},"
	    "\"y\":{\"name\":\"edge\",\"external\":true},\"own\":{\"name\":\"web_own\"},"
	    "\"no\":{\"name\":\"z\",\"external\":false}}}");
	auto_strv struct strv got = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(model_external_networks(model, &got, &err), 0);
	assert_words(&got, names, ARRAY_LEN(names));
}

static void
what_runs_is_not_what_was_approved(void **state)
{
	static const struct model_image_id ids[] = {{"b", ID_B}, {"a", ID_A}};
	auto_json json_t *model = parse(
	    "{\"services\":{\"a\":{\"image\":\"x:latest\",\"pull_policy\":\"always\",\"profiles\":[\"p\"],"
	    "\"environment\":{\"P\":\"a$$b\"},\"volumes\":[{\"type\":\"bind\",\"source\":\"/s\",\"bind\":"
	    "{\"create_host_path\":true,\"propagation\":\"rslave\"}},{\"type\":\"bind\",\"source\":\"/t\"},"
	    "{\"type\":\"volume\",\"source\":\"v\"}]},"
	    "\"b\":{\"build\":{\"context\":\"/l\"},\"develop\":{\"watch\":[]},\"depends_on\":{\"a\":{\"condition\":"
	    "\"service_started\"}}}},\"x-gpo-version\":1}");
	struct err err = ERR_INIT;
	auto_json json_t *approved = model_approve(model, ids, ARRAY_LEN(ids), &err);
	auto_free char *text = NULL, *before = NULL;

	(void)state;
	assert_non_null(approved);
	text = model_dump(approved);
	assert_string_equal(text,
	    "{\"services\":{\"a\":{\"environment\":{\"P\":\"a$$b\"},\"image\":\"" ID_A "\",\"volumes\":[{\"bind\":"
	    "{\"create_host_path\":false,\"propagation\":\"rslave\"},\"source\":\"/s\",\"type\":\"bind\"},"
	    "{\"bind\":{\"create_host_path\":false},\"source\":\"/t\",\"type\":\"bind\"},"
	    "{\"source\":\"v\",\"type\":\"volume\"}]},"
	    "\"b\":{\"depends_on\":{\"a\":{\"condition\":\"service_started\"}},\"image\":\"" ID_B "\"}},"
	    "\"x-gpo-version\":1}");
	before = model_dump(model);
	assert_non_null(strstr(before, "x:latest"));
	assert_non_null(strstr(before, "\"create_host_path\":true"));
}

static void
a_service_runs_without_an_image_id(void **state)
{
	static const struct {
		struct model_image_id ids[3];
		size_t n;
		const char *why;
	} rows[] = {
	    {{{"a", ID_A}}, 1, "service b has no image ID"},
	    {{{"a", ID_A}, {"b", "x:latest"}}, 2, "x:latest is not an image ID"},
	    {{{"a", ID_A}, {"b", "sha256:abc"}}, 2, "is not an image ID"},
	    {{{"a", ID_A}, {"b", "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}, 2, "is not an image ID"},
	    {{{"a", ID_A}, {"b", ID_B}, {"c", ID_A}}, 3, "c, which is no service"},
	    {{{"a", ID_A}, {"b", ID_B}, {"a", ID_B}}, 3, "service a has two image IDs"},
	};
	auto_json json_t *model = parse("{\"services\":{\"a\":{\"image\":\"x\"},\"b\":{\"image\":\"y\"}}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;

		if (model_approve(model, rows[i].ids, rows[i].n, &err) != NULL || strstr(err.msg, rows[i].why) == NULL)
			fail_msg("%zu: %s", i, err.msg);
	}
}

static void
digest_of(const char *text, const struct model_image_id *ids, size_t nids, const char *const *inputs,
    const char *const *answers, size_t n, char *hex)
{
	auto_json json_t *model = parse(text);
	auto_strv struct strv in = {0}, out = {0};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		strv_add(&in, inputs[i]);
		strv_add(&out, answers[i]);
	}
	assert_int_equal(model_digest(model, ids, nids, &in, &out, hex, &err), 0);
	assert_int_equal(strlen(hex), 64);
}

#define ONE "{\"services\":{\"a\":{\"image\":\"x\"},\"b\":{\"image\":\"y\"}}}"
#define ONE_AGAIN "{ \"services\": {\"b\":{\"image\":\"y\"},\"a\":{\"image\":\"x\"}} }"

static void
order_changes_the_digest(void **state)
{
	static const struct model_image_id ids[] = {{"a", ID_A}, {"b", ID_B}}, swapped[] = {{"b", ID_B}, {"a", ID_A}};
	char x[MODEL_DIGEST_HEX], y[MODEL_DIGEST_HEX];

	(void)state;
	digest_of(ONE, ids, 2, (const char *[]){"/p", "/q"}, (const char *[]){"tree 1", "absent"}, 2, x);
	digest_of(ONE_AGAIN, swapped, 2, (const char *[]){"/q", "/p"}, (const char *[]){"absent", "tree 1"}, 2, y);
	assert_string_equal(x, y);
}

static void
a_change_leaves_the_digest_as_it_was(void **state)
{
	static const struct model_image_id ids[] = {{"a", ID_A}, {"b", ID_B}}, crossed[] = {{"a", ID_B}, {"b", ID_A}};
	char d[8][MODEL_DIGEST_HEX];

	(void)state;
	digest_of(ONE, ids, 2, (const char *[]){"/p", "/q"}, (const char *[]){"tree 1", "absent"}, 2, d[0]);
	digest_of(ONE, crossed, 2, (const char *[]){"/p", "/q"}, (const char *[]){"tree 1", "absent"}, 2, d[1]);
	digest_of(ONE, ids, 2, (const char *[]){"/p", "/q"}, (const char *[]){"tree 2", "absent"}, 2, d[2]);
	digest_of(ONE, ids, 2, (const char *[]){"/p", "/q"}, (const char *[]){"absent", "tree 1"}, 2, d[3]);
	digest_of(ONE, ids, 2, (const char *[]){"/p"}, (const char *[]){"tree 1"}, 1, d[4]);
	digest_of(ONE, ids, 2, (const char *[]){"/ptree 1", "/q"}, (const char *[]){"", "absent"}, 2, d[5]);
	digest_of("{\"services\":{\"a\":{\"image\":\"x\"},\"b\":{\"image\":\"y\"}},\"x-gpo-version\":2}", ids, 2,
	    (const char *[]){"/p", "/q"}, (const char *[]){"tree 1", "absent"}, 2, d[6]);
	digest_of(ONE, NULL, 0, NULL, NULL, 0, d[7]);
	for (size_t i = 0; i < ARRAY_LEN(d); i++) {
		for (size_t j = i + 1; j < ARRAY_LEN(d); j++)
			assert_string_not_equal(d[i], d[j]);
	}
}

#define BUILT "{\"services\":{\"a\":{\"build\":{\"context\":\"/p\"}}}}"
#define BUILT_AND_MOUNTED \
	"{\"services\":{\"a\":{\"build\":{\"context\":\"/p\"},\"volumes\":[{\"type\":\"bind\",\"source\":\"/p\",\"target\":\"/x\"}]}}}"

/* Containers would be made anew for a file that is in no image. */
static void
the_same_image_of_another_commit_is_another_release(void **state)
{
	static const struct model_image_id id[] = {{"a", ID_A}}, other[] = {{"a", ID_B}};
	static const char *const before = "tree 1", *const after = "tree 2";
	char x[MODEL_DIGEST_HEX], y[MODEL_DIGEST_HEX];

	(void)state;
	digest_of(BUILT, id, 1, (const char *[]){"/p"}, &before, 1, x);
	digest_of(BUILT, id, 1, (const char *[]){"/p"}, &after, 1, y);
	assert_string_equal(x, y);
	digest_of(BUILT, other, 1, (const char *[]){"/p"}, &before, 1, y);
	assert_string_not_equal(x, y);
	/* What is to be built is not known before, and what is mounted as well is read by the container. */
	digest_of(BUILT, NULL, 0, (const char *[]){"/p"}, &before, 1, x);
	digest_of(BUILT, NULL, 0, (const char *[]){"/p"}, &after, 1, y);
	assert_string_not_equal(x, y);
	digest_of(BUILT_AND_MOUNTED, id, 1, (const char *[]){"/p"}, &before, 1, x);
	digest_of(BUILT_AND_MOUNTED, id, 1, (const char *[]){"/p"}, &after, 1, y);
	assert_string_not_equal(x, y);
}

/* Every release of every service would be deployed anew after an update of pgo. */
static void
an_update_of_pgo_changes_the_digest(void **state)
{
	static const struct model_image_id ids[] = {{"a", ID_A}, {"b", ID_B}};
	char x[MODEL_DIGEST_HEX];

	(void)state;
	digest_of(ONE, ids, 2, (const char *[]){"/p"}, (const char *[]){"tree 1"}, 1, x);
	assert_string_equal(x, "1db0221263644e2930b0d762f97e045b5e7d166bfff1806ffd586fc04cb9dc09");
}

static void
an_input_without_answer_is_forgotten(void **state)
{
	auto_json json_t *model = parse(ONE);
	auto_strv struct strv in = {0}, out = {0};
	char hex[MODEL_DIGEST_HEX];
	struct err err = ERR_INIT;

	(void)state;
	strv_add(&in, "/p");
	assert_int_equal(model_digest(model, NULL, 0, &in, &out, hex, &err), -EINVAL);
}

static void
yaml_folds_or_refuses_what_json_has_as_it_is(void **state)
{
	auto_json json_t *model = json_pack("{ss}", "k",
	    "\x7f \xc2\x80 \xc2\x85 \xc2\xa0 \xe2\x80\xa8 \xe2\x80\xa9 \xe2\x80\xaa \xef\xbb\xbf \xef\xbf\xbf \xef\xbf\xbd"
	    " \xf0\x9f\x98\x80\x01");
	auto_free char *text = model_dump(model);
	auto_json json_t *back = json_loads(text, 0, NULL);

	(void)state;
	assert_string_equal(text,
	    "{\"k\":\"\\u007f \\u0080 \\u0085 \xc2\xa0 \\u2028 \\u2029 \xe2\x80\xaa \\ufeff \\uffff \xef\xbf\xbd"
	    " \xf0\x9f\x98\x80\\u0001\"}");
	assert_true(json_equal(model, back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(yaml_folds_or_refuses_what_json_has_as_it_is),
	    cmocka_unit_test(what_is_no_model_is_parsed),
	    cmocka_unit_test(a_model_without_limits_is_parsed),
	    cmocka_unit_test(blkio_entries_cannot_be_read_back),
	    cmocka_unit_test(x_pgo_is_misread),
	    cmocka_unit_test(a_mistake_in_x_pgo_is_overlooked),
	    cmocka_unit_test(only_one_mistake_in_x_pgo_is_told),
	    cmocka_unit_test(a_changed_file_leaves_the_containers_that_read_it),
	    cmocka_unit_test(a_path_that_is_read_is_overlooked),
	    cmocka_unit_test(a_newline_in_a_path_answers_for_another_path),
	    cmocka_unit_test(thousands_of_paths_fill_the_memory),
	    cmocka_unit_test(an_external_network_is_overlooked),
	    cmocka_unit_test(what_runs_is_not_what_was_approved),
	    cmocka_unit_test(a_service_runs_without_an_image_id),
	    cmocka_unit_test(order_changes_the_digest),
	    cmocka_unit_test(a_change_leaves_the_digest_as_it_was),
	    cmocka_unit_test(the_same_image_of_another_commit_is_another_release),
	    cmocka_unit_test(an_update_of_pgo_changes_the_digest),
	    cmocka_unit_test(an_input_without_answer_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
