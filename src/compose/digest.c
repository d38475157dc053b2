/* What a release is known by. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/hash.h"
#include "compose/model.h"
#include "compose/refs.h"

enum { NOTED_MAX = 64 }; /* paths a service */

struct pair {
	const char *name;
	const char *value;
};

static int
compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : strcmp(x->value, y->value);
}

void
hash_text(SHA2_CTX *ctx, const char *s)
{
	uint64_t len = strlen(s);
	uint8_t head[8];

	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = (uint8_t)(len >> (8 * i));
	SHA256Update(ctx, head, sizeof(head));
	SHA256Update(ctx, (const uint8_t *)s, (size_t)len);
}

/* A section: its name, how many pairs, the pairs in order. Sorts them. */
static void
add_pairs(SHA2_CTX *ctx, const char *section, struct pair *pairs, size_t n)
{
	auto_free char *count = str_printf("%zu", n);

	hash_text(ctx, section);
	hash_text(ctx, count);
	if (n > 0)
		qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (size_t i = 0; i < n; i++) {
		hash_text(ctx, pairs[i].name);
		hash_text(ctx, pairs[i].value);
	}
}

static struct pair *
pairs_new(size_t n)
{
	struct pair *pairs = calloc(n + 1, sizeof(*pairs));

	if (pairs == NULL)
		abort();
	return pairs;
}

static void
add_images(SHA2_CTX *ctx, const struct model_image_id *ids, size_t n)
{
	struct pair *pairs = pairs_new(n);

	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct pair){ids[i].service, ids[i].id};
	add_pairs(ctx, "images", pairs, n);
	free(pairs);
}

struct readers {
	struct strv builds;
	struct strv containers;
};

static void
note_reader(const struct ref *ref, void *arg)
{
	struct readers *r = arg;

	strv_add(ref->mounted ? &r->containers : &r->builds, ref->path);
}

/* built: what builds alone read is in the images, whose IDs count. */
static void
add_inputs(SHA2_CTX *ctx, const json_t *model, bool built, const struct strv *inputs, const struct strv *answers)
{
	struct readers readers = {{NULL, 0}, {NULL, 0}};
	struct pair *pairs = pairs_new(inputs->n);
	size_t n = 0;

	if (built)
		refs_each(model, note_reader, &readers);
	for (size_t i = 0; i < inputs->n; i++) {
		if (!strv_has(&readers.builds, inputs->v[i]) || strv_has(&readers.containers, inputs->v[i]))
			pairs[n++] = (struct pair){inputs->v[i], answers->v[i]};
	}
	add_pairs(ctx, "inputs", pairs, n);
	free(pairs);
	strv_done(&readers.builds);
	strv_done(&readers.containers);
}

json_t *
model_for_build(const json_t *model)
{
	json_t *copy = json_deep_copy(model);
	const char *name;
	json_t *service;

	if (copy == NULL)
		abort();
	json_object_foreach(json_object_get(copy, "services"), name, service)
	{
		json_t *build = json_object_get(service, "build");

		if (!json_is_object(build))
			continue;
		json_object_del(service, "image");
		json_object_del(service, "pull_policy");
		json_object_del(build, "tags");
	}
	return copy;
}

int
model_digest(const json_t *model, const struct model_image_id *ids, size_t nids, const struct strv *inputs,
    const struct strv *answers, char ret_hex[MODEL_DIGEST_HEX], struct err *err)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	auto_free char *text = NULL;
	SHA2_CTX ctx;

	if (inputs->n != answers->n)
		return err_set(err, EINVAL, "%zu inputs have %zu answers", inputs->n, answers->n);
	text = model_dump(model);
	SHA256Init(&ctx);
	hash_text(&ctx, "pgo release 1");
	hash_text(&ctx, text);
	add_images(&ctx, ids, nids);
	add_inputs(&ctx, model, nids > 0, inputs, answers);
	SHA256Final(sum, &ctx);
	str_hex(sum, sizeof(sum), ret_hex);
	return 0;
}

/* --- pgo.inputs --- */

struct reading {
	const struct strv *inputs;
	const struct strv *answers;
	struct pair *pairs; /* inputs->n + 1 */
	size_t n;
};

static void
note_ref(const struct ref *ref, void *arg)
{
	struct reading *rd = arg;
	size_t i = 0;

	while (i < rd->n && !str_eq(rd->pairs[i].name, ref->path))
		i++;
	if (i < rd->n)
		return;
	for (i = 0; i < rd->inputs->n && i < rd->answers->n; i++) {
		if (str_eq(rd->inputs->v[i], ref->path)) {
			rd->pairs[rd->n++] = (struct pair){rd->inputs->v[i], rd->answers->v[i]};
			return;
		}
	}
}

static void
label_service(json_t *service, struct reading *rd)
{
	json_t *labels = json_object_get(service, "labels");
	char hex[MODEL_DIGEST_HEX];
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	add_pairs(&ctx, "inputs", rd->pairs, rd->n);
	SHA256Final(sum, &ctx);
	str_hex(sum, sizeof(sum), hex);
	if (json_is_array(labels)) {
		if (json_array_append_new(labels, json_sprintf("%s=%s", MODEL_INPUTS_LABEL, hex)) < 0)
			abort();
		return;
	}
	if (!json_is_object(labels)) {
		labels = json_object();
		if (labels == NULL || json_object_set_new(service, "labels", labels) < 0)
			abort();
	}
	if (json_object_set_new(labels, MODEL_INPUTS_LABEL, json_string(hex)) < 0)
		abort();
}

/* What the label is a digest of. */
static void
note_inputs(json_t *service, const struct reading *rd)
{
	json_t *all = json_object();

	/* What reads very many is told only that some of them differ: the model has a limit. */
	for (size_t i = 0; i < rd->n && rd->n <= NOTED_MAX; i++) {
		json_t *answer = json_string(rd->pairs[i].value); /* NULL: the account's job wrote no UTF-8 */

		if (json_object_set_new(all, rd->pairs[i].name, answer != NULL ? answer : json_null()) < 0)
			abort();
	}
	if (json_object_set_new(service, MODEL_INPUTS_KEY, all) < 0)
		abort();
}

void
model_label_inputs(json_t *approved, const json_t *model, const struct strv *inputs, const struct strv *answers)
{
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(approved, "services"), name, service)
	{
		struct reading rd = {.inputs = inputs, .answers = answers, .pairs = pairs_new(inputs->n)};

		refs_of_service(model, name, note_ref, &rd);
		if (rd.n > 0)
			label_service(service, &rd);
		note_inputs(service, &rd);
		free(rd.pairs);
	}
}
