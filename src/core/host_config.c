/* host://config: the configuration as pgod runs it. What may be shown was chosen where the file was read
 * (src/conf/shown.c): core has none of its secrets. */
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "core/client.h"
#include "core/host.h"
#include "core/op.h"

enum { CONFIG_TEXT_MAX = 4 * 1024 * 1024 };

/* A table of a service that the operator may not act on, or of another operator, is not shown to one of some services.
 */
static bool
may_see(const struct conf_operator *asks, const char *top, const json_t *table)
{
	const char *name = json_string_value(json_object_get(json_object_get(table, "set"), "name"));

	if (asks->names.n == 0)
		return true;
	if (name == NULL)
		return false;
	return str_eq(top, "services") ? operator_has(asks, name) : str_eq(asks->name, name);
}

/* The part of what is shown that this operator may see. */
static json_t *
visible(const struct client *c)
{
	json_t *all = json_object();
	const char *top;
	json_t *tables;

	json_object_foreach(c->core->conf->shown, top, tables)
	{
		json_t *list = json_array();
		size_t i;
		json_t *table;

		json_array_foreach(tables, i, table)
		{
			if (may_see(c->access.operator, top, table))
				host_append(list, json_incref(table));
		}
		if (json_object_set_new(all, top, list) != 0)
			abort();
	}
	return all;
}

/* JSON's strings, numbers and lists are TOML's as well; tables are not. */
static void
add_value(struct buf *out, const json_t *value)
{
	auto_free char *text = NULL;
	const char *name;
	json_t *entry;
	size_t n = 0;

	if (!json_is_object(value)) {
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		buf_str_add(out, text != NULL ? text : "");
		return;
	}
	buf_str_add(out, "{");
	json_object_foreach((json_t *)value, name, entry)
	{
		auto_json json_t *key = json_string(name);

		buf_str_add(out, n++ > 0 ? ", " : " ");
		add_value(out, key);
		buf_str_add(out, " = ");
		add_value(out, entry);
	}
	buf_str_add(out, " }");
}

static void
add_keys(struct buf *out, const json_t *keys, const char *behind)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)keys, name, value)
	{
		buf_printf(out, "%s = ", name);
		add_value(out, value);
		buf_printf(out, "%s\n", behind);
	}
}

/* Of the others there is one. */
static bool
is_list(const char *top)
{
	return str_eq(top, "services") || str_eq(top, "operators");
}

static void
add_table(struct buf *out, const char *top, bool list, const json_t *table)
{
	buf_printf(out, list ? "\n[[%s]]\n" : "\n[%s]\n", top);
	add_keys(out, json_object_get(table, "set"), "");
	add_keys(out, json_object_get(table, "otherwise"), " # not set");
}

static void
print(const struct client *c, json_t *all, struct buf *out)
{
	const struct conf *conf = c->core->conf;
	const char *top;
	json_t *tables;

	buf_printf(out, "# pgod %s -d %s --datadir %s -t %gs\n", PGO_VERSION, conf->dir, conf->datadir,
	    (double)conf->poll_ms / 1000);
	json_object_foreach(all, top, tables)
	{
		size_t i;
		json_t *table;

		json_array_foreach(tables, i, table) add_table(out, top, is_list(top), table);
	}
}

void
host_config_run(struct client *c, const struct op *op, const struct strv *args)
{
	const struct conf *conf = c->core->conf;
	json_t *tables = visible(c);
	auto_json json_t *all =
	    json_pack("{ss so so sI so}", "version", PGO_VERSION, "dir", client_text_json(conf->dir), "datadir",
		client_text_json(conf->datadir), "poll_ms", (json_int_t)conf->poll_ms, "tables", tables);
	auto_buf struct buf out = BUF_INIT(CONFIG_TEXT_MAX);

	(void)op;
	if (op_has(args, "--json")) {
		client_answer_json(c, 0, all);
		return;
	}
	print(c, tables, &out);
	client_output(c, 1, buf_str(&out), out.len);
	client_exit(c, 0);
}
