/* pgo.toml(5) and the example against the table of keys. Arguments: the manual, the example. */
#include "cmocka_all.h"

#include <fcntl.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/operator.h"
#include "conf/proxy_table.h"
#include "conf/push_table.h"
#include "conf/shown.h"
#include "ipc/allow.h"

static const char *manual_path;
static const char *example_path;

static void
read_file(const char *path, struct buf *b)
{
	struct err err = ERR_INIT;

	if (io_read_file(AT_FDCWD, path, b, &err) < 0)
		fail_msg("%s", err.msg);
}

/* The manual's part from a subsection's heading to the next heading. */
static char *
section(const char *manual, const char *heading)
{
	const char *from = strstr(manual, heading);
	const char *to = from == NULL ? NULL : strstr(from + strlen(heading), "\n.S");

	assert_non_null(to);
	return str_printf("%.*s", (int)(to - from), from);
}

static void
every_key_has_its_item_in_the_manual(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	auto_free char *now = NULL;
	size_t n = service_menu.n;
	const struct key *keys = service_menu.keys;

	(void)state;
	read_file(manual_path, &b);
	now = section(buf_str(&b), ".Ss Keys of a service\n");
	for (size_t i = 0; i < n; i++) {
		auto_free char *item = str_printf("\n.It Ic %s No = ", keys[i].name);
		const char *at = strstr(now, item);

		if (at == NULL)
			fail_msg("the manual has no item for the key %s", keys[i].name);
		if (keys[i].state == KEY_NEEDED && !str_starts(strchr(at + 1, '\n'), "\nNeeded.\n"))
			fail_msg("the manual does not say that %s is needed", keys[i].name);
	}
}

static void
every_key_of_an_operator_has_its_item_in_the_manual(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	auto_free char *part = NULL;

	(void)state;
	read_file(manual_path, &b);
	part = section(buf_str(&b), ".Ss Operators\n");
	for (size_t i = 0; i < operator_menu.n; i++) {
		auto_free char *item = str_printf("\n.It Ic %s No = ", operator_menu.keys[i].name);
		const char *at = strstr(part, item);

		if (at == NULL)
			fail_msg("the manual has no item for the operators' key %s", operator_menu.keys[i].name);
		if (operator_menu.keys[i].state == KEY_NEEDED && !str_starts(strchr(at + 1, '\n'), "\nNeeded.\n"))
			fail_msg("the manual does not say that %s is needed", operator_menu.keys[i].name);
	}
}

static void
every_key_of_the_proxy_has_its_item_in_the_manual(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	auto_free char *part = NULL;

	(void)state;
	read_file(manual_path, &b);
	part = section(buf_str(&b), ".Ss The proxy on the host\n");
	for (size_t i = 0; i < proxy_menu.n; i++) {
		auto_free char *item = str_printf("\n.It Ic %s No = ", proxy_menu.keys[i].name);
		const char *at = strstr(part, item);

		if (at == NULL)
			fail_msg("the manual has no item for the proxy's key %s", proxy_menu.keys[i].name);
		if (proxy_menu.keys[i].state == KEY_NEEDED && !str_starts(strchr(at + 1, '\n'), "\nNeeded.\n"))
			fail_msg("the manual does not say that %s is needed", proxy_menu.keys[i].name);
	}
}

static void
every_key_of_pushes_has_its_item_in_the_manual(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	auto_free char *part = NULL;

	(void)state;
	read_file(manual_path, &b);
	part = section(buf_str(&b), ".Ss Pushes\n");
	for (size_t i = 0; i < push_menu.n; i++) {
		auto_free char *item = str_printf("\n.It Ic %s No = ", push_menu.keys[i].name);

		if (strstr(part, item) == NULL)
			fail_msg("the manual has no item for the key %s of [push]", push_menu.keys[i].name);
	}
}

static void
everything_that_can_be_allowed_is_in_the_manual(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);

	(void)state;
	read_file(manual_path, &b);
	for (size_t i = 0; i < allow_table_n; i++) {
		auto_free char *item = str_printf(
		    "\n.It Li %s%s", allow_table[i].key, allow_table[i].form == ALLOW_ALONE ? "\n" : ": Ns Ar ");

		if (strstr(buf_str(&b), item) == NULL)
			fail_msg("the manual does not tell what \"%s\" allows", allow_table[i].example);
	}
}

static void
the_manual_has_no_key_that_is_not_in_the_table(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	size_t n = service_menu.n + operator_menu.n + proxy_menu.n + push_menu.n;
	size_t items = 0;

	(void)state;
	read_file(manual_path, &b);
	for (const char *p = buf_str(&b); (p = strstr(p, "\n.It Ic ")) != NULL; p++)
		items++;
	assert_int_equal(items, n);
}

/* The document of a text must be free of errors, and pgod must be able to read it. */
static struct conf *
parse(const char *text, size_t len)
{
	struct err err = ERR_INIT;
	json_t *doc = check_text(text, len);
	auto_free char *json = json_dumps(doc, 0);
	struct conf *c = conf_parse(json, strlen(json), &err);

	if (c == NULL)
		fail_msg("%s: %s", err.msg, json);
	json_decref(doc);
	return c;
}

static void
the_manuals_example_is_accepted(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	const char *from = NULL;
	const char *to = NULL;
	struct conf *c = NULL;

	(void)state;
	read_file(manual_path, &b);
	from = strstr(buf_str(&b), "\n[[services]]\n");
	assert_non_null(from);
	to = strstr(from, "\n.Ed\n");
	assert_non_null(to);
	c = parse(from, (size_t)(to - from));
	assert_int_equal(c->nservices, 1);
	conf_free(c);
}

/* Whoever added a key has decided what people may see of it: what has no row in shown.c is hidden as a whole. */
static void
each_is_shown(const json_t *shown)
{
	const char *top;
	json_t *tables;

	json_object_foreach((json_t *)shown, top, tables)
	{
		size_t i;
		json_t *table;

		json_array_foreach(tables, i, table)
		{
			const char *key;
			json_t *value;

			json_object_foreach(json_object_get(table, "set"), key, value)
			{
				if (str_eq(json_string_value(value), SHOWN_HIDDEN))
					fail_msg(
					    "host://config hides the key %s of %s: it has no row in shown.c", key, top);
			}
		}
	}
}

static void
the_manuals_proxies_are_accepted(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	int types = 0;

	(void)state;
	read_file(manual_path, &b);
	for (const char *p = buf_str(&b); (p = strstr(p, "\n[proxy]\n")) != NULL; p++) {
		struct conf *c = parse(p, (size_t)(strstr(p, "\n.Ed\n") - p));

		assert_true(c->proxied);
		each_is_shown(c->shown);
		types |= 1 << c->proxy->type;
		conf_free(c);
	}
	assert_int_equal(types, 1 << PROXY_CADDY | 1 << PROXY_NGINX);
}

static void
the_manuals_pushes_are_accepted(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	const char *from;
	struct conf *c;

	(void)state;
	read_file(manual_path, &b);
	from = strstr(buf_str(&b), "\n[push]\n");
	assert_non_null(from);
	c = parse(from, (size_t)(strstr(from, "\n.Ed\n") - from));
	assert_true(c->push != NULL && c->push->create);
	each_is_shown(c->shown);
	conf_free(c);
}

static void
the_shipped_example_shows_every_supported_key(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	struct conf *c = NULL;
	const struct key *keys = service_menu.keys;

	(void)state;
	read_file(example_path, &b);
	c = parse(buf_str(&b), b.len);
	assert_int_equal(c->nservices, 3);
	for (size_t i = 0; i < KEY_IDS; i++) {
		auto_free char *line = str_printf("\n%s = ", keys[i].name);

		/* `group` is accepted, and nobody should write it; `hosted` needs a table that not everybody wants. */
		if (i != KEY_GROUP && i != KEY_HOSTED && strstr(buf_str(&b), line) == NULL)
			fail_msg("the example does not show the key %s", keys[i].name);
	}
	assert_int_equal(c->operators.n, 1);
	each_is_shown(c->shown);
	conf_free(c);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_has_its_item_in_the_manual),
	    cmocka_unit_test(every_key_of_an_operator_has_its_item_in_the_manual),
	    cmocka_unit_test(every_key_of_the_proxy_has_its_item_in_the_manual),
	    cmocka_unit_test(the_manuals_proxies_are_accepted),
	    cmocka_unit_test(every_key_of_pushes_has_its_item_in_the_manual),
	    cmocka_unit_test(the_manuals_pushes_are_accepted),
	    cmocka_unit_test(everything_that_can_be_allowed_is_in_the_manual),
	    cmocka_unit_test(the_manual_has_no_key_that_is_not_in_the_table),
	    cmocka_unit_test(the_manuals_example_is_accepted),
	    cmocka_unit_test(the_shipped_example_shows_every_supported_key),
	};

	if (argc != 3)
		return 2;
	manual_path = argv[1];
	example_path = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
