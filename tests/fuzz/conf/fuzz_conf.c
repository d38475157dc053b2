/* Any bytes as pgo.toml, through the whole of pgod-conf: never a crash; either errors, each with a place and a
 * sentence, or a document that conf_parse takes, that goes to core without secrets and comes back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/check.h"
#include "conf/conf.h"
#include "conf/routes.h"

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

/* "example.org {": a site without a blank or a brace, and " {" behind it. */
static void
check_site_line(const char *line, size_t len)
{
	must(len > 2 && memcmp(line + len - 2, " {", 2) == 0);
	must(line[0] != '(' && line[0] != '@' && line[0] != '#');
	for (size_t i = 0; i < len - 2; i++)
		must((unsigned char)line[i] > 0x20 && (unsigned char)line[i] < 0x7f &&
		     strchr("{}\"`'\\,;$%()<>@", line[i]) == NULL);
}

/* Whatever a site is called, a proxy reads as many blocks as there are routes, each with one upstream. */
static void
check_routes(const struct conf *c)
{
	static const char upstream[] = "\treverse_proxy ";
	auto_routes struct routes r = {0};
	auto_buf struct buf text = BUF_INIT(ROUTES_TEXT_MAX);
	const char *p;

	routes_of(c, &r);
	routes_caddyfile(&r, &text);
	must(!text.full && strlen(buf_str(&text)) == text.len);
	p = buf_str(&text);
	for (size_t i = 0; i < r.n; i++) {
		size_t len = strcspn(p, "\n");

		check_site_line(p, len);
		p += len + 1;
		must(strncmp(p, upstream, strlen(upstream)) == 0);
		p += strlen(upstream);
		p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:");
		must(strncmp(p, "\n}\n", 3) == 0);
		p += 3;
	}
	must(*p == '\0');
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
	check_routes(c);
	c->dir = str_dup("/var/lib/pgo");
	c->datadir = str_dup("/data");
	c->pins = str_dup("/run/pgo/pins/var-lib-pgo");
	c->poll_ms = 1;
	if (c->push != NULL && c->push->address == NULL)
		c->push->address = str_dup("192.0.2.1"); /* pgod finds it */
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
