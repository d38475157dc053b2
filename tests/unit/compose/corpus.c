/* What the policy says of many models at once. stdin: [{"name", "model": text, "live", "datadir", "policy": {...}},
 * ...]; stdout: {name: {"error"} or {"violations", "more", "planted"}}; "planted" lists what the oracle forbids and the
 * policy approved when it was put into an approved model. The keys of "policy" are those of the corpus's policy.json.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/model.h"
#include "compose/policy.h"
#include "oracle.h"

enum { OTHERS_MAX = 8 };

struct settings {
	struct strv allow, ports, urls, networks;
	struct strv others_urls[OTHERS_MAX];
	struct policy_other others[OTHERS_MAX];
	struct policy policy;
};

static void
read_strings(const json_t *obj, const char *key, struct strv *ret)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(obj, key), i, value) strv_add(ret, json_string_value(value));
}

static void
read_others(const json_t *list, struct settings *s)
{
	json_t *other;
	size_t i;

	json_array_foreach(list, i, other)
	{
		struct policy_other *o = &s->others[i];

		o->name = json_str(other, "name");
		o->before = json_is_true(json_object_get(other, "before"));
		o->urls = &s->others_urls[i];
		read_strings(other, "urls", &s->others_urls[i]);
		read_strings(other, "services", &o->names.services);
		read_strings(other, "containers", &o->names.containers);
		read_strings(other, "networks", &o->names.networks);
		read_strings(other, "joined", &o->names.joined);
	}
	s->policy.nothers = json_array_size(list);
}

static void
read_settings(const json_t *one, struct settings *s)
{
	const json_t *policy = json_object_get(one, "policy");
	const json_t *limits = json_object_get(policy, "limits");

	read_strings(policy, "allow", &s->allow);
	read_strings(policy, "ports", &s->ports);
	read_strings(policy, "urls", &s->urls);
	read_strings(policy, "networks", &s->networks);
	s->policy = (struct policy){
	    .project = "web",
	    .live = json_str(one, "live"),
	    .datadir = json_str(one, "datadir"),
	    .root = str_eq(json_str(policy, "user"), "root"),
	    .has_networks = json_object_get(policy, "networks") != NULL,
	    .networks = &s->networks,
	    .allow = &s->allow,
	    .ports = &s->ports,
	    .urls = &s->urls,
	    .limits = {json_integer_value(json_object_get(limits, "cpus_milli")),
		json_integer_value(json_object_get(limits, "memory_bytes")),
		json_integer_value(json_object_get(limits, "pids"))},
	    .others = s->others,
	};
	read_others(json_object_get(policy, "others"), s);
}

static void
settings_done(struct settings *s)
{
	strv_done(&s->allow);
	strv_done(&s->ports);
	strv_done(&s->urls);
	strv_done(&s->networks);
	for (size_t i = 0; i < OTHERS_MAX; i++) {
		strv_done(&s->others_urls[i]);
		model_names_done(&s->others[i].names);
	}
}

/* What the job `inputs` answers for a path of the tree. */
static void
find_links(const json_t *model, const char *live, struct violations *vs)
{
	auto_strv struct strv inputs = {0};
	struct err err = ERR_INIT;
	struct stat st;

	model_inputs(model, live, &inputs, &err);
	for (size_t i = 0; i < inputs.n; i++) {
		auto_free char *path = str_dup(inputs.v[i]);
		char *slash;

		for (slash = path + strlen(live); slash != NULL; slash = strchr(slash + 1, '/')) {
			auto_free char *prefix = str_printf("%.*s", (int)(slash - path), path);

			if (slash > path + strlen(live) && lstat(prefix, &st) == 0 && S_ISLNK(st.st_mode)) {
				policy_symlink(model, inputs.v[i], prefix, vs);
				break;
			}
		}
		if (slash == NULL && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
			policy_symlink(model, inputs.v[i], path, vs);
	}
}

static json_t *
plant_all(const json_t *model, const struct policy *policy)
{
	const struct oracle_dirs dirs = {policy->live, policy->datadir};
	json_t *approved = json_array();

	for (size_t leaf = 0; leaf < oracle_size(); leaf++) {
		for (size_t nth = 0; nth < oracle_places(model, leaf); nth++) {
			auto_json json_t *planted = oracle_plant(model, leaf, nth, &dirs);
			auto_violations struct violations vs = {0};

			if (policy_check(planted, policy, &vs) == 0)
				json_array_append_new(approved, json_string(oracle_name(leaf)));
		}
	}
	return approved;
}

static json_t *
judge(const json_t *one)
{
	const char *text = json_str(one, "model");
	struct settings s = {0};
	struct err err = ERR_INIT;
	auto_json json_t *model = model_parse(text, strlen(text), &err);
	auto_violations struct violations vs = {0};
	json_t *answer;

	if (model == NULL)
		return json_pack("{ss}", "error", err.msg);
	read_settings(one, &s);
	policy_check(model, &s.policy, &vs);
	find_links(model, s.policy.live, &vs);
	answer = violations_json(&vs);
	/* What the administrator allows is on the oracle's list. */
	if (vs.n == 0 && s.allow.n == 0 && s.ports.n == 0 && !s.policy.root)
		json_object_set_new(answer, "planted", plant_all(model, &s.policy));
	settings_done(&s);
	return answer;
}

int
main(void)
{
	json_error_t where;
	auto_json json_t *all = json_loadf(stdin, 0, &where);
	auto_json json_t *answers = json_object();
	json_t *one;
	size_t i;

	if (!json_is_array(all)) {
		fprintf(stderr, "stdin: %s\n", where.text);
		return 2;
	}
	json_array_foreach(all, i, one) json_object_set_new(answers, json_str(one, "name"), judge(one));
	return json_dumpf(answers, stdout, JSON_INDENT(1)) < 0 ? 1 : 0;
}
