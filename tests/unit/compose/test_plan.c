/* What would happen to each compose service, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "compose/model.h"
#include "compose/plan.h"

#define ID_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define COMMIT_1 "1111111111111111111111111111111111111111"
#define COMMIT_2 "2222222222222222222222222222222222222222"

/* Two services that run what they should. */
struct scene {
	const char *was, *is;
	const char *was_images;
	struct plan_image images[4];
	struct plan_state states[4];
	struct plan_input in;
	json_t *was_json, *is_json, *images_json;
};

static json_t *
parse(const char *text)
{
	json_error_t where;
	json_t *value = text == NULL ? NULL : json_loads(text, 0, &where);

	if (text != NULL && value == NULL)
		fail_msg("%s: %s", text, where.text);
	return value;
}

static struct scene
scene_of(const char *was, const char *is)
{
	return (struct scene){
	    .was = was,
	    .is = is,
	    .was_images =
		"{\"web\":{\"name\":\"w:1\",\"id\":\"" ID_A "\"},\"db\":{\"name\":\"d:1\",\"id\":\"" ID_A "\"}}",
	    .images = {{.service = "db", .name = "d:1", .id = ID_A}, {.service = "web", .name = "w:1", .id = ID_A}},
	    .states = {{"db", 1, true, false}, {"web", 1, true, false}},
	    .in = {.project = "shop",
		.commit = COMMIT_2,
		.basis = "ba",
		.update = MODEL_UPDATE_RECREATE,
		.nimages = 2,
		.nstates = 2,
		.release = 7,
		.was_commit = COMMIT_1,
		.was_digest = "di",
		.changed = true},
	};
}

static void
make(struct scene *s, struct plan *ret)
{
	s->was_json = parse(s->was);
	s->is_json = parse(s->is);
	s->images_json = parse(s->was_images);
	s->in.was = s->was_json;
	s->in.is = s->is_json;
	s->in.was_images = s->images_json;
	s->in.images = s->images;
	s->in.states = s->states;
	plan_make(&s->in, ret);
	json_decref(s->was_json);
	json_decref(s->is_json);
	json_decref(s->images_json);
}

/* "db keep; web recreate: image" */
static char *
summary(const struct plan *p)
{
	auto_buf struct buf out = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_service *s = &p->v[i];

		buf_printf(&out, "%s%s %s", i > 0 ? "; " : "", s->name, plan_action_text(s->action));
		for (size_t k = 0; k < s->fields.n; k++)
			buf_printf(&out, " %s", s->fields.v[k].path);
		if (s->reason[0] != '\0')
			buf_printf(&out, " (%s)", s->reason);
	}
	for (size_t k = 0; k < p->whole.n; k++)
		buf_printf(&out, "; %s", p->whole.v[k].path);
	return buf_take(&out);
}

static void
expect(struct scene s, const char *told)
{
	auto_plan struct plan p = {0};
	auto_free char *text = NULL;

	make(&s, &p);
	text = summary(&p);
	assert_string_equal(text, told);
}

#define TWO "{\"services\":{\"db\":{},\"web\":{\"image\":\"" ID_A "\",\"command\":null}}}"
#define TWO_USER "{\"services\":{\"db\":{},\"web\":{\"user\":\"1\"}}}"

static void
what_is_unchanged_is_touched(void **state)
{
	struct scene s = scene_of(TWO, TWO);
	auto_plan struct plan p = {0};

	(void)state;
	s.in.changed = false;
	make(&s, &p);
	assert_false(plan_changes(&p));
	expect(s, "db keep; web keep");
}

static void
recreate_leaves_someone_out(void **state)
{
	(void)state;
	expect(scene_of(TWO, TWO_USER), "db recreate (with the others); web recreate user");
	expect(scene_of(TWO, TWO), "db recreate (files that it reads have changed); web recreate (files that it reads "
				   "have changed)");
}

static void
in_place_touches_too_much(void **state)
{
	struct scene s = scene_of(TWO, TWO_USER);

	(void)state;
	s.in.update = MODEL_UPDATE_IN_PLACE;
	expect(s, "db keep; web recreate user");
	s.in.update = MODEL_UPDATE_START_FIRST;
	expect(s, "db keep; web recreate user");
}

static void
a_service_comes_or_goes_unseen(void **state)
{
	struct scene s = scene_of(TWO, "{\"services\":{\"db\":{},\"new\":{}}}");

	(void)state;
	s.in.update = MODEL_UPDATE_IN_PLACE;
	expect(s, "db keep; new create; web remove");
	/* A container of a service that no model names. */
	s = scene_of(TWO, TWO);
	s.in.changed = false;
	s.states[2] = (struct plan_state){.service = "orphan", .containers = 1};
	s.in.nstates = 3;
	expect(s, "db keep; orphan remove; web keep");
	/* Gone from the model, and no container is left. */
	s = scene_of(TWO, "{\"services\":{\"db\":{}}}");
	s.in.update = MODEL_UPDATE_IN_PLACE;
	s.states[1].containers = 0;
	expect(s, "db keep");
}

static void
what_is_unhealthy_is_left_as_it_is(void **state)
{
	struct scene s = scene_of(TWO, TWO);

	(void)state;
	s.in.changed = false;
	s.states[0].unhealthy = true;
	expect(s, "db recreate (unhealthy); web keep");
	s.in.changed = true;
	s.in.update = MODEL_UPDATE_IN_PLACE;
	expect(s, "db recreate (unhealthy); web keep");
}

static void
what_lies_still_is_not_started(void **state)
{
	struct scene s = scene_of(TWO, TWO);

	(void)state;
	s.in.changed = false;
	s.states[0].runs = false;
	s.states[1].containers = 0;
	s.states[1].runs = false;
	expect(s, "db start; web create");
	/* scale: 0 */
	s.states[1].runs = true;
	expect(s, "db start; web keep");
}

static void
a_first_deploy_is_a_change_of_fields(void **state)
{
	struct scene s = scene_of(NULL, TWO_USER);

	(void)state;
	s.was_images = NULL;
	s.in.release = 0;
	s.in.was_commit = s.in.was_digest = NULL;
	s.in.because = "what is there was not made by pgo";
	s.states[1].containers = 0;
	s.states[1].runs = false;
	expect(s, "db recreate (what is there was not made by pgo); web create");
}

static void
a_moved_image_is_not_seen(void **state)
{
	struct scene s = scene_of(TWO, TWO);

	(void)state;
	s.in.update = MODEL_UPDATE_IN_PLACE;
	s.images[1].id = ID_B;
	expect(s, "db keep; web recreate image");
	s.images[1] = (struct plan_image){.service = "web", .name = "w:2", .pull = true};
	expect(s, "db keep; web recreate image");
	s.images[1] = (struct plan_image){.service = "web", .name = "w:1", .id = ID_A, .build = true};
	expect(s, "db keep; web recreate image");
	s.images[1] = (struct plan_image){.service = "web", .name = "w:1", .id = ID_A, .pull = true, .asks = true};
	expect(s, "db keep; web keep (its registry is asked for a newer image)");
}

static void
more_of_the_same_are_new_ones(void **state)
{
	struct scene s = scene_of(TWO, "{\"services\":{\"db\":{},\"web\":{\"scale\":2,\"deploy\":{\"replicas\":2}}}}");

	(void)state;
	s.in.update = MODEL_UPDATE_IN_PLACE;
	expect(s, "db keep; web scale deploy.replicas scale");
	s.is = "{\"services\":{\"db\":{},\"web\":{\"x-pgo\":{\"update\":\"start-first\"}}}}";
	expect(s, "db keep; web keep x-pgo.update");
}

static void
a_file_is_changed_without_a_word(void **state)
{
	struct scene s = scene_of("{\"services\":{\"db\":{},\"web\":{\"labels\":{\"pgo.inputs\":\"1\",\"a\":\"b\"}}}}",
	    "{\"services\":{\"db\":{},\"web\":{\"labels\":{\"pgo.inputs\":\"2\",\"a\":\"c\"}}}}");

	(void)state;
	s.in.update = MODEL_UPDATE_IN_PLACE;
	expect(s, "db keep; web recreate files labels.a");
	s.was =
	    "{\"services\":{\"db\":{},\"web\":{\"labels\":{\"pgo.inputs\":\"1\"},\"x-pgo-inputs\":{\"/l/a\":\"tree x\","
	    "\"/l/b\":\"absent\",\"/l\":\"tree z\"}}}}";
	s.is =
	    "{\"services\":{\"db\":{},\"web\":{\"labels\":{\"pgo.inputs\":\"2\"},\"x-pgo-inputs\":{\"/l/a\":\"tree y\","
	    "\"/l/b\":\"absent\",\"/l/new\":\"absent\",\"/l\":\"tree q\"}}}}";
	s.in.live = "/l";
	expect(s, "db keep; web recreate files[.] files[./a]");
}

static void
what_is_shared_belongs_to_nobody(void **state)
{
	struct scene s =
	    scene_of("{\"x-v\":1,\"configs\":{\"a\":{\"content\":\"1\"},\"b\":{\"file\":\"/1\"}},"
		     "\"networks\":{\"n\":{\"internal\":true},\"m\":{}},\"services\":{\"db\":{\"networks\":"
		     "{\"n\":null}},\"web\":{\"configs\":[{\"source\":\"a\",\"target\":\"/a\"}]}}}",
		"{\"x-v\":2,\"configs\":{\"a\":{\"content\":\"2\"},\"b\":{\"file\":\"/2\"}},"
		"\"networks\":{\"n\":{\"internal\":false},\"m\":{\"name\":\"z\"}},\"services\":{\"db\":{\"networks\":"
		"{\"n\":null}},\"web\":{\"configs\":[{\"source\":\"a\",\"target\":\"/a\"}]}}}");

	(void)state;
	expect(
	    s, "db recreate networks.n.internal; web recreate configs.a.content; configs.b.file; networks.m.name; x-v");
}

static void
a_plan_reads_badly(void **state)
{
	struct scene s =
	    scene_of("{\"x-v\":1,\"services\":{\"db\":{},\"web\":{\"environment\":{\"PASSWORD\":\"canary\"},"
		     "\"user\":\"1\"}}}",
		"{\"x-v\":2,\"services\":{\"db\":{},\"web\":{\"environment\":{\"PASSWORD\":\"canary2\"},\"user\":\"2\","
		"\"volumes\":[{\"type\":\"bind\",\"source\":\"/l/data\",\"target\":\"/data\"}]},"
		"\"worker\":{}}}");
	auto_plan struct plan p = {0};
	auto_free char *text = NULL;
	auto_free char *expected = NULL;
	auto_free char *why = NULL;

	(void)state;
	s.in.live = "/l";
	s.images[1] = (struct plan_image){.service = "web", .name = "w:2", .pull = true};
	make(&s, &p);
	text = plan_text(&p);
	expected = str_printf("shop: commit 22222222 in place of release 7 (commit 11111111), update recreate\n"
			      "\n"
			      "  recreate  db      with the others\n"
			      "  recreate  web     image                 w:1 → w:2 (to be pulled)\n"
			      "                    environment.PASSWORD  (hidden) → (hidden)\n"
			      "                    user                  1 → 2\n"
			      "                    volumes[/data]        (none) → ./data:/data\n"
			      "  create    worker\n"
			      "\n"
			      "  x-v  (hidden) → (hidden)\n"
			      "\n"
			      "2 to recreate, 1 to create\n"
			      "up --plan %s applies exactly this\n",
	    p.digest);
	assert_string_equal(text, expected);
	why = plan_why(&p);
	assert_string_equal(why,
	    "db: with the others\nweb: image w:1 → w:2 (to be pulled), environment.PASSWORD, user, volumes[/data]\n"
	    "worker: create\nthe whole: x-v\n");
}

static void
a_program_cannot_read_a_plan(void **state)
{
	struct scene s = scene_of(TWO, TWO_USER);
	auto_plan struct plan p = {0};
	auto_free char *text = NULL;
	auto_json json_t *all = NULL;
	const json_t *web;

	(void)state;
	make(&s, &p);
	text = plan_json(&p);
	all = parse(text);
	assert_string_equal(json_string_value(json_object_get(all, "service")), "shop");
	assert_string_equal(json_string_value(json_object_get(all, "commit")), COMMIT_2);
	assert_string_equal(json_string_value(json_object_get(all, "digest")), p.digest);
	assert_true(json_is_true(json_object_get(all, "changes")));
	web = json_array_get(json_object_get(all, "services"), 1);
	assert_string_equal(json_string_value(json_object_get(web, "action")), "recreate");
	web = json_array_get(json_object_get(web, "fields"), 0);
	assert_string_equal(json_string_value(json_object_get(web, "path")), "user");
	assert_true(json_is_null(json_object_get(web, "old")));
	assert_string_equal(json_string_value(json_object_get(web, "new")), "1");
}

static void
change_commit(struct scene *s)
{
	s->in.commit = COMMIT_1;
}
static void
change_basis(struct scene *s)
{
	s->in.basis = "bb";
}
static void
change_release(struct scene *s)
{
	s->in.release = 8;
}
static void
change_what_runs(struct scene *s)
{
	s->in.was_digest = "dj";
}
static void
change_style(struct scene *s)
{
	s->in.update = MODEL_UPDATE_START_FIRST;
}
static void
change_image(struct scene *s)
{
	s->images[0].id = ID_B;
}
static void
change_containers(struct scene *s)
{
	s->states[0].containers = 0;
	s->states[0].runs = false;
}

static void
another_plan_has_the_same_digest(void **state)
{
	static void (*const edits[])(struct scene *) = {change_commit, change_basis, change_release, change_what_runs,
	    change_style, change_image, change_containers};
	struct scene s = scene_of(TWO, TWO_USER);
	auto_plan struct plan first = {0};
	auto_plan struct plan again = {0};

	(void)state;
	make(&s, &first);
	make(&s, &again);
	assert_string_equal(first.digest, again.digest);
	assert_int_equal(strlen(first.digest), PLAN_DIGEST_HEX - 1);
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		struct scene other = scene_of(TWO, TWO_USER);
		auto_plan struct plan p = {0};

		edits[i](&other);
		make(&other, &p);
		assert_string_not_equal(first.digest, p.digest);
	}
}

static void
a_hostile_model_speaks_to_the_terminal(void **state)
{
	struct scene s = scene_of("{\"services\":{\"w\\u001b[2J\\n\":{\"user\":7,\"networks\":[[]],\"configs\":3,"
				  "\"labels\":\"x\"},\"y\":[],\"z\":null}}",
	    "{\"services\":{\"w\\u001b[2J\\n\":{\"user\":[{}],\"networks\":\"\\u202e\",\"labels\":[\"a\"]},\"y\":5,"
	    "\"z\":{}},\"networks\":[1],\"configs\":\"x\",\"volumes\":{\"v\":null}}");
	auto_plan struct plan p = {0};
	auto_free char *text = NULL;
	auto_free char *why = NULL;

	(void)state;
	make(&s, &p);
	text = plan_text(&p);
	why = plan_why(&p);
	for (const char *c = text; *c != '\0'; c++)
		assert_true((unsigned char)*c >= ' ' || *c == '\n');
	for (const char *c = why; *c != '\0'; c++)
		assert_true((unsigned char)*c >= ' ' || *c == '\n');
	assert_non_null(strstr(text, "w\\x1b[2J\\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_unchanged_is_touched),
	    cmocka_unit_test(recreate_leaves_someone_out),
	    cmocka_unit_test(in_place_touches_too_much),
	    cmocka_unit_test(a_service_comes_or_goes_unseen),
	    cmocka_unit_test(what_is_unhealthy_is_left_as_it_is),
	    cmocka_unit_test(what_lies_still_is_not_started),
	    cmocka_unit_test(a_first_deploy_is_a_change_of_fields),
	    cmocka_unit_test(a_moved_image_is_not_seen),
	    cmocka_unit_test(more_of_the_same_are_new_ones),
	    cmocka_unit_test(a_file_is_changed_without_a_word),
	    cmocka_unit_test(what_is_shared_belongs_to_nobody),
	    cmocka_unit_test(a_plan_reads_badly),
	    cmocka_unit_test(a_program_cannot_read_a_plan),
	    cmocka_unit_test(another_plan_has_the_same_digest),
	    cmocka_unit_test(a_hostile_model_speaks_to_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
