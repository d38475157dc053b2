/* pgo.toml(5) and the example against the table of keys. Arguments: the manual, the example. */
#include "checked.h"
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

	/* .Sm is no heading. */
	while (to != NULL && !str_starts(to, "\n.Ss") && !str_starts(to, "\n.Sh"))
		to = strstr(to + 1, "\n.S");
	assert_non_null(to);
	return str_printf("%.*s", (int)(to - from), from);
}

static void
check_items(const char *part, const struct menu *menu)
{
	for (size_t i = 0; i < menu->n; i++) {
		auto_free char *item = str_printf("\n.It Ic %s No = ", menu->keys[i].name);
		const char *at = strstr(part, item);

		if (at == NULL)
			fail_msg("of%.30s: the manual has no item for the key %s", part, menu->keys[i].name);
		if (menu->keys[i].state == KEY_NEEDED && !str_starts(strchr(at + 1, '\n'), "\nNeeded.\n"))
			fail_msg("of%.30s: the manual does not say that %s is needed", part, menu->keys[i].name);
	}
}

static void
every_key_has_its_item_in_the_manual(void **state)
{
	static const struct {
		const char *heading;
		const struct menu *menu;
	} parts[] = {{"\n.Ss Keys of a service\n", &service_menu}, {"\n.Ss Operators\n", &operator_menu},
	    {"\n.Ss The proxy on the host\n", &proxy_menu}, {"\n.Ss Pushes\n", &push_menu}};
	auto_buf struct buf b = BUF_INIT(1 << 20);

	(void)state;
	read_file(manual_path, &b);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		auto_free char *part = section(buf_str(&b), parts[i].heading);

		check_items(part, parts[i].menu);
	}
}

/* What an example of the manual that begins like that says. */
static struct conf *
example_of(const char *text, const char *begins)
{
	const char *from = strstr(text, begins);
	const char *to = from == NULL ? NULL : strstr(from, "\n.Ed\n");
	auto_free char *example = to == NULL ? NULL : str_printf("%.*s", (int)(to - from), from);

	assert_non_null(example);
	return checked_conf(example);
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

static void
the_manuals_example_is_accepted(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	struct conf *c = NULL;

	(void)state;
	read_file(manual_path, &b);
	c = example_of(buf_str(&b), "\n[[services]]\n");
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
		struct conf *c = example_of(p, "\n[proxy]\n");

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
	struct conf *c;

	(void)state;
	read_file(manual_path, &b);
	c = example_of(buf_str(&b), "\n[push]\n");
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
	c = checked_conf(buf_str(&b));
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

/* The example without the "#" in front of what is not a sentence. */
static char *
uncommented(const char *example)
{
	auto_buf struct buf out = BUF_INIT(1 << 20);

	for (const char *line = example; *line != '\0';) {
		size_t len = strcspn(line, "\n") + 1;
		bool is_key = *line == '#' && line[1] != ' ';

		buf_add(&out, line + (is_key ? 1 : 0), len - (is_key ? 1 : 0));
		line += len;
	}
	return buf_take(&out);
}

static void
what_the_shipped_example_leaves_out_has_every_key_and_is_accepted(void **state)
{
	static const struct {
		const char *top;
		const struct menu *menu;
	} tables[] = {{"\n[proxy]\n", &proxy_menu}, {"\n[push]\n", &push_menu}};
	auto_buf struct buf b = BUF_INIT(1 << 20);
	auto_free char *text = NULL;
	char *domain;
	struct conf *c;

	(void)state;
	read_file(example_path, &b);
	text = uncommented(buf_str(&b));
	/* It is that or an address. */
	domain = strstr(text, "\ndomain = ");
	assert_non_null(domain);
	domain[1] = '#';
	c = checked_conf(text);
	domain[1] = 'd';
	assert_true(c->proxied && c->push != NULL);
	assert_int_equal(c->nservices, 4);
	each_is_shown(c->shown);
	conf_free(c);
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		const char *from = strstr(text, tables[t].top);
		auto_free char *table = NULL;

		assert_non_null(from);
		table = str_printf("%.*s", (int)(strstr(from + 2, "\n[") - from), from);
		for (size_t i = 0; i < tables[t].menu->n; i++) {
			auto_free char *line = str_printf("\n%s = ", tables[t].menu->keys[i].name);

			if (strstr(table, line) == NULL)
				fail_msg("the example does not show the key %s of%s", tables[t].menu->keys[i].name,
				    tables[t].top);
		}
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_has_its_item_in_the_manual),
	    cmocka_unit_test(the_manuals_proxies_are_accepted),
	    cmocka_unit_test(the_manuals_pushes_are_accepted),
	    cmocka_unit_test(everything_that_can_be_allowed_is_in_the_manual),
	    cmocka_unit_test(the_manual_has_no_key_that_is_not_in_the_table),
	    cmocka_unit_test(the_manuals_example_is_accepted),
	    cmocka_unit_test(the_shipped_example_shows_every_supported_key),
	    cmocka_unit_test(what_the_shipped_example_leaves_out_has_every_key_and_is_accepted),
	};

	if (argc != 3)
		return 2;
	manual_path = argv[1];
	example_path = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
