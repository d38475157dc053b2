/* A model of any bytes: nothing crashes, and what the policy approves for an ordinary account holds nothing of the
 * oracle's list. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/policy.h"
#include "compose/start_first.h"
#include "oracle.h"

#define LIVE "/var/lib/pgo/web"
#define DATA "/data/web"
#define ID "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct oracle_dirs dirs = {LIVE, DATA};

static void
broken(const char *what)
{
	fprintf(stderr, "approved although: %s\n", what);
	abort();
}

static void
approve_and_digest(const json_t *model, const struct model_images *images, const struct strv *inputs)
{
	struct model_image_id *ids = calloc(images->n + 1, sizeof(*ids));
	auto_json json_t *approved = NULL;
	auto_model_services struct model_services facts = {0};
	char hex[MODEL_DIGEST_HEX];
	struct err err = ERR_INIT;

	if (ids == NULL)
		abort();
	for (size_t i = 0; i < images->n; i++)
		ids[i] = (struct model_image_id){images->v[i].service, ID};
	approved = model_approve(model, ids, images->n, &err);
	if (approved == NULL)
		broken("a model with all its IDs is not approved");
	model_label_inputs(approved, model, inputs, inputs);
	model_mark_in_place(approved, model, inputs, inputs);
	if (json_object_get(approved, MODEL_IN_PLACE_KEY) == NULL && model_service_facts(model, &facts, &err) >= 0)
		broken("nobody knows what can be switched");
	if (model_digest(approved, ids, images->n, inputs, inputs, hex, &err) < 0)
		broken("no digest");
	free(ids);
}

static void
read_facts(const json_t *model)
{
	auto_model_services struct model_services services = {0};
	auto_model_images struct model_images images = {0};
	auto_strv struct strv inputs = {0}, binds = {0}, networks = {0};
	struct err err = ERR_INIT;
	auto_violations struct violations misspelt = {0};

	policy_x_pgo(model, &misspelt);
	if (misspelt.n == 0 && !model_reload(model, true) && json_object_size(json_object_get(model, "x-pgo")) == 0)
		broken("x-pgo says what nobody wrote");
	model_service_facts(model, &services, &err);
	model_binds(model, &binds, &err);
	model_external_networks(model, &networks, &err);
	if (model_inputs(model, LIVE, &inputs, &err) < 0 || model_images(model, "web", &images, &err) < 0)
		return;
	approve_and_digest(model, &images, &inputs);
	if (inputs.n > 0) {
		auto_violations struct violations vs = {0};

		policy_symlink(model, inputs.v[0], LIVE, &vs);
		if (vs.n == 0)
			broken("a symbolic link is lost");
	}
}

static size_t
check(const json_t *model, bool root)
{
	const struct policy p = {.project = "web", .live = LIVE, .datadir = DATA, .root = root};
	auto_violations struct violations vs = {0};
	size_t n = policy_check(model, &p, &vs);
	auto_free char *text = violations_text(&vs);

	if ((n == 0) != (text[0] == '\0') || n != vs.n)
		broken("the number of violations is wrong");
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	auto_json json_t *model = model_parse((const char *)data, size, &err);

	if (model == NULL) {
		if (err.num == 0 || err.msg[0] == '\0')
			broken("an error has no sentence");
		return 0;
	}
	read_facts(model);
	if (check(model, false) > 0) {
		check(model, true);
		return 0;
	}
	if (check(model, true) > 0)
		broken("root gets less than others");
	if (oracle_find(model, &dirs) != NULL)
		broken(oracle_find(model, &dirs));
	return 0;
}
