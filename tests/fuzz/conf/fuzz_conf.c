/* Any bytes as pgo.toml, through the whole of pgod-conf: never a crash; either errors, each with a place and a
 * sentence, or a document that conf_parse takes, that goes to core without secrets and comes back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/check.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
check_errors(const json_t *doc)
{
	const json_t *errors = json_object_get(doc, "errors");
	size_t i;
	const json_t *e;
	json_int_t line = 1;

	must(json_array_size(json_object_get(doc, "services")) == 0);
	json_array_foreach(errors, i, e)
	{
		const char *message = json_string_value(json_object_get(e, "message"));

		must(json_integer_value(json_object_get(e, "line")) >= line);
		must(json_integer_value(json_object_get(e, "column")) >= 1);
		must(message != NULL && strlen(message) > 10);
		/* An assertion of the parser, away from any character. */
		must(!str_eq(message, "syntax error: the parser cannot say where"));
		for (const char *p = message; *p != '\0'; p++)
			must(*p == '\t' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
		line = json_integer_value(json_object_get(e, "line"));
	}
}

static void
check_round_trip(const json_t *doc)
{
	struct err err = ERR_INIT;
	auto_free char *json = json_dumps(doc, JSON_COMPACT);
	auto_free char *for_core = NULL;
	struct conf *c = conf_parse(json, strlen(json), &err);
	struct conf *core = NULL;

	must(c != NULL);
	c->dir = str_dup("/var/lib/pgo");
	c->datadir = str_dup("/data");
	c->pins = str_dup("/run/pgo/pins/var-lib-pgo");
	c->poll_ms = 1;
	for_core = conf_for_core(c);
	core = conf_parse(for_core, strlen(for_core), &err);
	must(core != NULL && core->nservices == c->nservices);
	for (size_t i = 0; i < core->nservices; i++)
		must(core->services[i].auth == NULL && core->services[i].env.n == 0);
	conf_free(core);
	conf_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *doc = check_text((const char *)data, size);

	if (json_array_size(json_object_get(doc, "errors")) > 0)
		check_errors(doc);
	else
		check_round_trip(doc);
	json_decref(doc);
	return 0;
}
