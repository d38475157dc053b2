/* Two models of any bytes, held against each other: nothing crashes, what is told is one line a line, and the value of
 * an environment is never told. The input is the old model, a byte 0, and the new one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/plan.h"

#define CANARY "c4n4ry"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')
			abort();
	}
	if (strstr(text, CANARY) != NULL)
		abort();
}

/* Each service gets a variable whose value must not come out. */
static void
plant(json_t *model)
{
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		if (json_object_get(service, "environment") == NULL)
			json_object_set_new(service, "environment", json_pack("{ss}", "A", CANARY));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t split = zero != NULL ? (size_t)(zero - data) : size;
	size_t rest = zero != NULL ? size - split - 1 : 0;
	struct err err = ERR_INIT;
	auto_json json_t *was = model_parse((const char *)data, split, &err);
	auto_json json_t *is = zero != NULL ? model_parse((const char *)zero + 1, rest, &err) : NULL;
	auto_json json_t *empty = json_pack("{s{}}", "services");
	const struct plan_state states[] = {{"web", 1, true}, {"db", 1, false}};
	auto_plan struct plan p = {0};
	auto_free char *text = NULL;
	auto_free char *json = NULL;
	auto_free char *why = NULL;

	if (memmem(data, size, CANARY, strlen(CANARY)) != NULL || (was == NULL && is == NULL))
		return 0;
	plant(size % 2 == 0 ? was : is);
	plan_make(&(struct plan_input){.project = "p",
		      .commit = "c",
		      .basis = "b",
		      .is = is != NULL ? is : empty,
		      .was = was,
		      .release = 1,
		      .changed = true,
		      .update = (enum model_update)(1 + size % 3),
		      .states = states,
		      .nstates = ARRAY_LEN(states)},
	    &p);
	text = plan_text(&p);
	json = plan_json(&p);
	why = plan_why(&p);
	look_at(text);
	look_at(json);
	look_at(why);
	return 0;
}
