#include "fixture.h"

#include "base/auto.h"
#include "base/str.h"
#include "ipc/catalogue.h"

static int
check(enum msg_dir dir, const char *type, const char *text, size_t nfds, struct err *err)
{
	json_t *body = json_loads(text, 0, NULL);
	const struct msg_spec *spec = msg_spec_find(type, dir);
	int r;

	assert_non_null(body);
	assert_non_null(spec);
	r = msg_check(spec, body, nfds, err);
	json_decref(body);
	return r;
}

static void
a_message_is_found_only_in_its_direction(void **state)
{
	(void)state;
	assert_non_null(msg_spec_find("quit", PGOD_TO_CORE));
	assert_null(msg_spec_find("quit", CORE_TO_PGOD));
	assert_null(msg_spec_find("quit", SSH_TO_CORE));
	assert_null(msg_spec_find("", PGOD_TO_CORE));
	assert_null(msg_spec_find("nonsense", PGOD_TO_CORE));
	/* two messages of one name: each direction has its own */
	assert_string_equal(msg_spec_find("engine", CORE_TO_PGOD)->fields, "id:i");
	assert_string_equal(msg_spec_find("engine", PGOD_TO_CORE)->fields, "id:i error:s");
}

static void
no_type_stands_twice_in_a_direction_and_each_has_a_sentence(void **state)
{
	size_t n;
	const struct msg_spec *table = msg_spec_table(&n);

	(void)state;
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(msg_spec_find(table[i].type, table[i].dir), &table[i]);
		assert_true(strlen(table[i].help) > 0 && str_ends(table[i].help, "."));
		assert_true(table[i].fds_min <= table[i].fds_max && table[i].fds_max <= MSG_FDS);
	}
}

static void
a_complete_message_passes(void **state)
{
	(void)state;
	assert_int_equal(check(PGOD_TO_CORE, "quit", "{\"type\":\"quit\"}", 0, NULL), 0);
	assert_int_equal(
	    check(PGOD_TO_CORE, "hold", "{\"type\":\"hold\",\"note\":\"\",\"held\":false,\"service\":\"a\"}", 0, NULL),
	    0);
	assert_int_equal(check(PGOD_TO_CORE, "engine", "{\"type\":\"engine\",\"id\":1,\"error\":\"\"}", 0, NULL), 0);
	assert_int_equal(check(PGOD_TO_CORE, "engine", "{\"type\":\"engine\",\"id\":1,\"error\":\"\"}", 1, NULL), 0);
}

static void
missing_foreign_and_mistyped_fields_are_named(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
	    {"{\"type\":\"hold\",\"held\":true,\"service\":\"a\"}",
		"message hold: field note is missing or of the wrong type"},
	    {"{\"type\":\"hold\",\"note\":1,\"held\":true,\"service\":\"a\"}",
		"message hold: field note is missing or of the wrong type"},
	    {"{\"type\":\"hold\",\"note\":null,\"held\":true,\"service\":\"a\"}",
		"message hold: field note is missing or of the wrong type"},
	    {"{\"type\":\"hold\",\"note\":\"\",\"held\":0,\"service\":\"a\"}",
		"message hold: field held is missing or of the wrong type"},
	    {"{\"type\":\"hold\",\"note\":\"\",\"held\":true,\"service\":\"a\",\"x\":1}",
		"message hold: a field that is not in the catalogue"},
	    {"[1,2,3]", "message hold: field service is missing or of the wrong type"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(check(PGOD_TO_CORE, "hold", cases[i].text, 0, &err), -EBADMSG);
		assert_string_equal(err.msg, cases[i].sentence);
	}
}

static void
a_real_number_is_no_integer(void **state)
{
	(void)state;
	assert_int_equal(check(CORE_TO_SSH, "exit", "{\"type\":\"exit\",\"status\":1.0}", 0, NULL), -EBADMSG);
	assert_int_equal(check(CORE_TO_SSH, "exit", "{\"type\":\"exit\",\"status\":1}", 0, NULL), 0);
}

static void
the_number_of_descriptors_counts(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(check(CORE_TO_SSH, "run", "{\"type\":\"run\"}", 3, NULL), 0);
	assert_int_equal(check(CORE_TO_SSH, "run", "{\"type\":\"run\"}", 0, &err), -EBADMSG);
	assert_string_equal(err.msg, "message run: 0 descriptors");
	assert_int_equal(check(CORE_TO_SSH, "run", "{\"type\":\"run\"}", 4, NULL), -EBADMSG);
	assert_int_equal(check(PGOD_TO_CORE, "quit", "{\"type\":\"quit\"}", 1, NULL), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_is_found_only_in_its_direction),
	    cmocka_unit_test(no_type_stands_twice_in_a_direction_and_each_has_a_sentence),
	    cmocka_unit_test(a_complete_message_passes),
	    cmocka_unit_test(missing_foreign_and_mistyped_fields_are_named),
	    cmocka_unit_test(a_real_number_is_no_integer),
	    cmocka_unit_test(the_number_of_descriptors_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
