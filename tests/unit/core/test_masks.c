/* What pgo.toml holds of secrets is hidden in whatever form a program prints it. */
#include "../conf/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "conf/mask.h"
#include "conf/masks.h"
#include "core/masks.h"
#include "core/vars.h"

#define SECRET "c4n$ry \"x\"/<é>'+1"

static char *
hidden(const struct strv *list, const char *text)
{
	struct masks *m = masks_new(list);
	char *copy = str_dup(text);

	masks_hide_str(m, &copy);
	masks_free(m);
	return copy;
}

static void
expect(const struct strv *list, const char *text, const char *want)
{
	auto_free char *got = hidden(list, text);

	assert_string_equal(got, want);
}

static void
a_variable_is_told_by_its_name_in_every_form(void **state)
{
	static const char *const forms[] = {
	    SECRET,
	    "c4n$$ry \"x\"/<é>'+1",
	    "c4n$ry \"x\"/<é>''+1",
	    "c4n$ry \\\"x\\\"/<é>'+1",
	    "c4n$$ry \\\"x\\\"/<é>'+1",
	    "c4n$ry \\\"x\\\"/\\u003cé\\u003e'+1",
	    "c4n%24ry%20%22x%22%2F%3C%C3%A9%3E%27%2B1",
	    "c4n%24ry+%22x%22%2F%3C%C3%A9%3E%27%2B1",
	};
	auto_strv struct strv list = {0};

	(void)state;
	masks_of_env("TOKEN=" SECRET, &list);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		auto_free char *text = str_printf("before %s, and %s\n", forms[i], forms[i]);

		expect(&list, text, "before ${TOKEN}, and ${TOKEN}\n");
		expect(&list, forms[i], "${TOKEN}");
	}
	expect(&list, "c4n$ry", "c4n$ry");
	expect(&list, "", "");
}

static void
base64_hides_nothing_wherever_it_begins(void **state)
{
	static const char *const texts[] = {
	    "s3cret-t0ken!", "a:s3cret-t0ken!", "ab:s3cret-t0ken!", "abc:s3cret-t0ken!", "{\"p\":\"s3cret-t0ken!\"}"};
	auto_strv struct strv list = {0};

	(void)state;
	masks_of_env("TOKEN=s3cret-t0ken!", &list);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_free char *coded = str_base64(texts[i], strlen(texts[i]));
		auto_free char *got = hidden(&list, coded);

		assert_non_null(strstr(got, "${TOKEN}"));
		/* What is left of it tells of at most the byte at either end. */
		assert_true(strlen(got) <= strlen(coded) - 14 + strlen("${TOKEN}"));
	}
}

static void
logins_are_hidden_with_their_user_and_without(void **state)
{
	auto_strv struct strv list = {0};

	(void)state;
	masks_of_login("alice", "pass", &list);
	masks_of_auth("oauth2:glpat-xyz", &list);
	masks_of_auth("ghp_0123456789abcdef:", &list);
	/* printf %s alice:pass | base64 */
	expect(&list, "no entry with Basic YWxpY2U6cGFzcw==", "no entry with Basic ***==");
	expect(&list, "alice:pass", "alice:***");
	expect(&list, "https://oauth2:glpat-xyz@host/x", "https://oauth2:***@host/x");
	expect(&list, "https://ghp_0123456789abcdef@host/x", "https://***@host/x");
}

static void
lines_of_a_secret_are_secrets(void **state)
{
	auto_strv struct strv list = {0};

	(void)state;
	masks_of_env("KEY=-----BEGIN-----\nMIIEvQIBADAN\nab\n", &list);
	expect(&list, "bad line \"MIIEvQIBADAN\"", "bad line \"${KEY}\"");
	expect(&list, "bad line \"ab\"", "bad line \"ab\"");
}

/* PORT=8080 and MODE=live would be hidden in everything that is said. */
static void
short_values_stay_readable(void **state)
{
	auto_strv struct strv list = {0};

	(void)state;
	masks_of_env("PORT=8080", &list);
	masks_of_env("EMPTY=", &list);
	masks_of_env("MODE=live", &list);
	assert_int_equal(list.n, 0);
	assert_null(masks_new(&list));
	expect(&list, "8080 live", "8080 live");
}

static void
the_longer_of_two_is_hidden_whole(void **state)
{
	auto_strv struct strv list = {0};

	(void)state;
	masks_of_env("A=hunter22", &list);
	masks_of_env("B=hunter22hunter33", &list);
	expect(&list, "hunter22hunter33 hunter22hunter22", "${B} ${A}${A}");
	expect(&list, "hunter2hunter22", "hunter2${A}");
}

static void
a_mask_tells_nothing_and_is_read_as_it_was_written(void **state)
{
	static const char *const bad[] = {
	    "", "A", "A 8 00000000000000ff", "A 0 00000000000000ff ", "A 8 x y", "A b c d e"};
	auto_strv struct strv list = {0};
	struct mask m;

	(void)state;
	masks_of_env("TOKEN=hunter22", &list);
	assert_true(list.n > 0);
	for (size_t i = 0; i < list.n; i++) {
		assert_null(strstr(list.v[i], "hunter"));
		assert_int_equal(mask_parse(list.v[i], &m, NULL), 0);
		assert_string_equal(m.name, "TOKEN");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(mask_parse(bad[i], &m, NULL) < 0);
}

static void
the_variables_of_an_app_are_printed(void **state)
{
	struct var v[] = {{.name = (char *)"LONG", .value = (char *)"first line s3cret\nsecond line s3cret"},
	    {.name = (char *)"SHORT", .value = (char *)"8080"}};
	struct masks *m = NULL;
	auto_free char *text = str_dup("8080: second line s3cret, and \"first line s3cret\\nsecond line s3cret\"");

	(void)state;
	masks_add_vars(&m, &(struct vars){.v = v, .n = 2});
	masks_hide_str(m, &text);
	masks_free(m);
	assert_string_equal(text, "8080: ${LONG}, and \"${LONG}\"");
}

static void
what_the_service_is_called_is_hidden(void **state)
{
	auto_json json_t *model = json_pack("{ss s{s{s{ss ss}}}}", "name", "long-name", "services", "web",
	    "environment", "CONTAINER_NAME", "long-name", "TOKEN", "not to be told");
	struct masks *m = masks_of_model(model);
	auto_free char *text = str_dup("long-name-web-1: not to be told");

	(void)state;
	masks_hide_str(m, &text);
	masks_free(m);
	assert_string_equal(text, "long-name-web-1: ${TOKEN}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_service_is_called_is_hidden),
	    cmocka_unit_test(the_variables_of_an_app_are_printed),
	    cmocka_unit_test(a_variable_is_told_by_its_name_in_every_form),
	    cmocka_unit_test(base64_hides_nothing_wherever_it_begins),
	    cmocka_unit_test(logins_are_hidden_with_their_user_and_without),
	    cmocka_unit_test(lines_of_a_secret_are_secrets),
	    cmocka_unit_test(short_values_stay_readable),
	    cmocka_unit_test(the_longer_of_two_is_hidden_whole),
	    cmocka_unit_test(a_mask_tells_nothing_and_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
