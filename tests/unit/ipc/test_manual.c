/* pgod-ipc(7) says what the catalogue says: every message, its sentence, its fields, its descriptors, and no other
 * message. */
#include "fixture.h"

#include <stdio.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "ipc/catalogue.h"

static const char *page_path;
static char *page;

/* The page with every run of blanks and newlines made one blank: its lines may break anywhere. */
static int
read_page(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	size_t at = 0;

	(void)state;
	if (io_read_file(AT_FDCWD, page_path, &b, NULL) < 0)
		return -1;
	page = buf_take(&b);
	for (const char *p = page; *p != '\0'; p++) {
		char c = *p;

		if (c == '\n' || c == '\t')
			c = ' ';
		if (c != ' ' || at == 0 || page[at - 1] != ' ')
			page[at++] = c;
	}
	page[at] = '\0';
	return 0;
}

static int
free_page(void **state)
{
	(void)state;
	free(page);
	return 0;
}

static const char *
section_title(enum msg_dir dir)
{
	switch (dir) {
	case CORE_TO_PGOD:
		return ".Ss From pgod-core to pgod .Bl";
	case PGOD_TO_CORE:
		return ".Ss From pgod to pgod-core .Bl";
	case SSH_TO_CORE:
		return ".Ss From pgod-ssh to pgod-core .Bl";
	case CORE_TO_SSH:
		return ".Ss From pgod-core to pgod-ssh .Bl";
	case WEB_TO_CORE:
		return ".Ss From pgod-web to pgod-core .Bl";
	case CORE_TO_WEB:
		return ".Ss From pgod-core to pgod-web .Bl";
	}
	return NULL;
}

/* A list item as the page must have it. */
static void
add_item(struct buf *b, const struct msg_spec *spec)
{
	buf_printf(b, ".It Ic %s %s Fields: ", spec->type, spec->help);
	for (const char *p = spec->fields; *p != '\0';) {
		size_t len = strcspn(p, ":");
		char t = p[len + 1];

		buf_printf(b, "%.*s (%s)", (int)len, p, t == 's' ? "string" : t == 'i' ? "integer" : "boolean");
		p += len + 2;
		if (*p == ' ')
			buf_str_add(b, ", ");
		p += strspn(p, " ");
	}
	buf_printf(b, "%s; descriptors: %zu", spec->fields[0] == '\0' ? "none" : "", spec->fds_min);
	if (spec->fds_max > spec->fds_min)
		buf_printf(b, " to %zu", spec->fds_max);
	buf_str_add(b, ". ");
}

static void
every_message_stands_in_its_section(void **state)
{
	size_t n;
	const struct msg_spec *table = msg_spec_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf item = BUF_INIT(10000);
		const char *section = strstr(page, section_title(table[i].dir));
		const char *end = section == NULL ? NULL : strstr(section, " .El ");
		const char *at;

		if (end == NULL)
			fail_msg("no section %s", section_title(table[i].dir));
		add_item(&item, &table[i]);
		at = strstr(section, buf_str(&item));
		if (at == NULL || at > end)
			fail_msg("pgod-ipc(7), %s, should say: %s", section_title(table[i].dir), buf_str(&item));
	}
}

static void
no_message_stands_there_that_does_not_exist(void **state)
{
	size_t n, items = 0;

	(void)state;
	msg_spec_table(&n);
	for (const char *p = strstr(page, ".It Ic "); p != NULL; p = strstr(p + 1, ".It Ic "))
		items++;
	assert_int_equal(items, n);
}

static void
the_limits_are_those_of_the_code(void **state)
{
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "at most %d bytes", MSG_MAX);
	assert_non_null(strstr(page, text));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_message_stands_in_its_section),
	    cmocka_unit_test(no_message_stands_there_that_does_not_exist),
	    cmocka_unit_test(the_limits_are_those_of_the_code),
	};

	if (argc != 2)
		return 2;
	page_path = argv[1];
	return cmocka_run_group_tests(tests, read_page, free_page);
}
