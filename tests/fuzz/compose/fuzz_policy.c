/* Models, mutated as models: nothing crashes, and what the policy approves for an ordinary account holds nothing of the
 * oracle's list. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/policy.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static const struct oracle_dirs dirs = {"/var/lib/pgo/web", "/data/web"};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy p = {.project = "web", .live = dirs.live, .datadir = dirs.datadir};
	struct err err = ERR_INIT;
	auto_json json_t *model = model_parse((const char *)data, size, &err);
	auto_violations struct violations vs = {0};
	const char *found;

	if (model == NULL)
		return 0;
	if (policy_check(model, &p, &vs) > 0) {
		json_decref(violations_json(&vs));
		return 0;
	}
	found = oracle_find(model, &dirs);
	if (found != NULL) {
		fprintf(stderr, "approved although: %s\n", found);
		abort();
	}
	return 0;
}

/* A random mapping or list of the value, or itself. */
static json_t *
random_inside(json_t *value, unsigned int *seed)
{
	for (;;) {
		size_t n = json_is_object(value) ? json_object_size(value) : json_array_size(value);
		json_t *child = NULL;
		void *iter;

		if (n == 0 || rand_r(seed) % 4 == 0)
			return value;
		n = (size_t)rand_r(seed) % n;
		if (json_is_array(value))
			child = json_array_get(value, n);
		else {
			iter = json_object_iter(value);
			while (n-- > 0)
				iter = json_object_iter_next(value, iter);
			child = json_object_iter_value(iter);
		}
		if (!json_is_object(child) && !json_is_array(child))
			return value;
		value = child;
	}
}

/* A random key of a mapping; NULL without one. */
static const char *
random_key(json_t *obj, unsigned int *seed)
{
	size_t n = json_object_size(obj);
	void *iter = json_object_iter(obj);

	for (n = n == 0 ? 0 : (size_t)rand_r(seed) % n; n > 0; n--)
		iter = json_object_iter_next(obj, iter);
	return iter == NULL ? NULL : json_object_iter_key(iter);
}

static json_t *
random_word(unsigned int *seed)
{
	static const char *const words[] = {"null", "true", "false", "0", "-1", "1.5", "\"\"", "[]", "{}", "\"host\"",
	    "\"container:x\"", "\"service:web\"", "\"bridge\"", "\"/\"", "\"/etc\"", "\"/var/lib/pgo/web\"",
	    "\"/var/lib/pgo/web/ssh\"", "\"/var/lib/pgo/web/../x\"", "\"/data/web/x\"", "\"local\"", "\"web_x\"",
	    "\"bind\"", "\"volume\"", "\"$$x\"", "[\"ALL\"]", "{\"name\":\"host\"}"};

	return json_loads(words[(size_t)rand_r(seed) % ARRAY_LEN(words)], JSON_DECODE_ANY, NULL);
}

static void
set_random(json_t *where, json_t *take_value, unsigned int *seed)
{
	const char *key = random_key(where, seed);

	if (json_is_array(where))
		json_array_append_new(where, take_value);
	else if (key != NULL)
		json_object_set_new(where, key, take_value);
	else
		json_decref(take_value);
}

static json_t *
mutate(json_t *take_model, unsigned int *seed)
{
	json_t *where = random_inside(take_model, seed);
	size_t leaf = (size_t)rand_r(seed) % oracle_size();
	size_t places = oracle_places(take_model, leaf);
	json_t *planted;

	switch (rand_r(seed) % 5) {
	case 0:
		if (places == 0)
			return take_model;
		planted = oracle_plant(take_model, leaf, (size_t)rand_r(seed) % places, &dirs);
		json_decref(take_model);
		return planted;
	case 1:
		if (json_is_object(where) && json_object_size(where) > 0)
			json_object_del(where, random_key(where, seed));
		break;
	case 2:
		set_random(where, random_word(seed), seed);
		break;
	case 3: /* what belongs elsewhere */
		set_random(where, json_deep_copy(random_inside(take_model, seed)), seed);
		break;
	default: /* a key by the name of another */
		if (json_is_object(where) && random_key(take_model, seed) != NULL) {
			const char *key = random_key(random_inside(take_model, seed), seed);

			if (key != NULL) {
				auto_free char *copy = str_dup(key);

				json_object_set_new(where, copy, random_word(seed));
			}
		}
		break;
	}
	return take_model;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	json_t *model = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	auto_free char *text = NULL;
	size_t len;

	if (!json_is_object(model) || rand_r(&seed) % 50 == 0) {
		json_decref(model);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	for (int n = 1 + rand_r(&seed) % 3; n > 0; n--)
		model = mutate(model, &seed);
	text = json_dumps(model, JSON_COMPACT);
	json_decref(model);
	len = text == NULL ? 0 : strlen(text);
	if (len == 0 || len > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	memcpy(data, text, len);
	return len;
}
