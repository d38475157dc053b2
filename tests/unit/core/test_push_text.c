/* What a pusher reads of the log of his deploy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/push_text.h"

struct seen {
	struct push_text t;
	struct buf told;
};

static void
tell(void *ctx, const char *line)
{
	struct seen *s = ctx;

	assert_null(strchr(line, '\n'));
	buf_printf(&s->told, "%s\n", line);
}

static struct seen *
begin(void)
{
	struct seen *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->told = (struct buf)BUF_INIT(65536);
	push_text_init(&s->t, tell, s);
	return s;
}

static void
note(struct seen *s, const char *text)
{
	push_text_note(&s->t, text, strlen(text));
}

static void
print(struct seen *s, const char *text)
{
	push_text_add(&s->t, text, strlen(text));
}

static void
is_told(struct seen *s, const char *text)
{
	push_text_done(&s->t);
	assert_string_equal(buf_str(&s->told), text);
	buf_done(&s->told);
	free(s);
}

static void
steps_are_headings_and_what_is_printed_is_detail(void **state)
{
	struct seen *s = begin();

	(void)state;
	note(s, "deploy 3 of shop: 1a2b3c4d, asked for by push\n");
	note(s, "== stage\n");
	note(s, "-- stage: 0.4 s\n");
	note(s, "== resolve\n");
	note(s, "== policy\n");
	note(s, "== build\n");
	print(s, "#1 load");
	print(s, " build definition\n#2 done\n");
	note(s, "== watch\n");
	note(s, "live\n");
	is_told(s, "-----> Reading the commit\n"
		   "-----> Checking what it asks for\n"
		   "-----> Building\n"
		   "       #1 load build definition\n"
		   "       #2 done\n"
		   "-----> Waiting until all of it runs well\n");
}

static void
a_step_with_nothing_to_do_is_not_told(void **state)
{
	struct seen *s = begin();

	(void)state;
	note(s, "== pull\n");
	note(s, "== build\n");
	note(s, "== approve\n");
	print(s, "a warning\n");
	is_told(s, "       a warning\n");
}

static void
a_build_can_print_no_heading(void **state)
{
	struct seen *s = begin();

	(void)state;
	note(s, "== build\n");
	print(s, "== watch\n-----> Building\n=====> Application deployed:\n !     it failed\n");
	is_told(s, "-----> Building\n"
		   "       == watch\n"
		   "       -----> Building\n"
		   "       =====> Application deployed:\n"
		   "        !     it failed\n");
}

static void
nothing_reaches_the_terminal_but_text(void **state)
{
	struct seen *s = begin();

	(void)state;
	print(s, "\x1b[31mred\x1b[0m \x1b]0;title\x07 1%\r 2%\r100% \x01\xff\n");
	push_text_error(&s->t, "a name with \x1b[2J in it");
	is_told(s, "       100% \\x01\\xff\n"
		   " !     a name with \\x1b[2J in it\n");
}

static void
what_is_put_back_begins_no_step_again(void **state)
{
	struct seen *s = begin();

	(void)state;
	note(s, "== stage\n");
	note(s, "== watch\n");
	print(s, "web-1 has exited with 1\nputting release 2 back");
	note(s, "== stage\n");
	note(s, "== checkout\n");
	note(s, "== watch\n");
	push_text_error(&s->t, "rolled back: web-1 has exited with 1\nnothing was changed");
	is_told(s, "-----> Reading the commit\n"
		   "-----> Waiting until all of it runs well\n"
		   "       web-1 has exited with 1\n"
		   "       putting release 2 back\n"
		   " !     rolled back: web-1 has exited with 1\n"
		   " !     nothing was changed\n");
}

static void
the_end_names_the_addresses(void **state)
{
	struct seen *s = begin();
	auto_strv struct strv urls = {NULL, 0};

	(void)state;
	note(s, "== up\n");
	push_text_deployed(&s->t, &urls);
	strv_add(&urls, "http://shop.127.0.0.1.sslip.io");
	strv_add(&urls, "http://www.example.org");
	push_text_head(&s->t, "Nothing to do for %s", "shop");
	push_text_detail(&s->t, "one\ntwo");
	push_text_deployed(&s->t, &urls);
	is_told(s, "=====> Application deployed\n"
		   "-----> Nothing to do for shop\n"
		   "       one\n"
		   "       two\n"
		   "=====> Application deployed:\n"
		   "       http://shop.127.0.0.1.sslip.io\n"
		   "       http://www.example.org\n");
}

static void
the_end_of_an_app_names_it(void **state)
{
	struct seen *s = begin();

	(void)state;
	push_text_head(&s->t, "Destroying %s", "shop-dev");
	push_text_destroyed(&s->t, "shop-dev");
	is_told(s, "-----> Destroying shop-dev\n"
		   "=====> Application destroyed: shop-dev\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steps_are_headings_and_what_is_printed_is_detail),
	    cmocka_unit_test(a_step_with_nothing_to_do_is_not_told),
	    cmocka_unit_test(a_build_can_print_no_heading),
	    cmocka_unit_test(nothing_reaches_the_terminal_but_text),
	    cmocka_unit_test(what_is_put_back_begins_no_step_again),
	    cmocka_unit_test(the_end_names_the_addresses),
	    cmocka_unit_test(the_end_of_an_app_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
