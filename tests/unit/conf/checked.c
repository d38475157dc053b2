#include "checked.h"

#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "conf/check.h"

char *
checked_errors(const char *text)
{
	struct buf b = BUF_INIT(1 << 20);
	json_t *doc = check_text(text, strlen(text));
	size_t i;
	const json_t *e;

	json_array_foreach(json_object_get(doc, "errors"), i, e)
	{
		buf_printf(&b, "%d: %s\n", (int)json_integer_value(json_object_get(e, "line")),
		    json_string_value(json_object_get(e, "message")));
	}
	json_decref(doc);
	return buf_take(&b);
}

void
checked_says(const char *text, const char *want)
{
	auto_free char *errors = checked_errors(text);

	if (want[0] == '\0' ? errors[0] != '\0' : strstr(errors, want) == NULL)
		fail_msg("of\n%s\nit says: %s\nand not: %s", text, errors, want);
}

struct conf *
checked_conf(const char *text)
{
	struct err err = ERR_INIT;
	json_t *doc = check_text(text, strlen(text));
	auto_free char *json = json_dumps(doc, 0);
	struct conf *c = conf_parse(json, strlen(json), &err);

	json_decref(doc);
	if (c == NULL)
		fail_msg("%s: %s", err.msg, json);
	return c;
}
