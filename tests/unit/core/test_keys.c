#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/str.h"
#include "core/keys.h"
#include "sample_keys.h"

#define GOOD ED25519_0_TYPE " " ED25519_0_BLOB

static struct keys
parse(const char *text)
{
	struct keys keys = {0};

	keys_parse(text, strlen(text), &keys);
	return keys;
}

/* What is told of the lines that were refused, a line each. */
static char *
problems(const struct keys *keys)
{
	struct buf text = BUF_INIT(1 << 16);

	for (size_t i = 0; i < keys->problems.n; i++)
		buf_printf(&text, "%s\n", keys->problems.v[i]);
	return buf_take(&text);
}

static bool
has(const struct keys *keys, const void *blob, size_t len)
{
	return keys_next(keys, NULL, blob, len) != NULL;
}

static const struct {
	const char *type;
	const char *blob;
	const char *print;
} samples[] = {
    {ED25519_0_TYPE, ED25519_0_BLOB, ED25519_0_PRINT},
    {RSA_2048_TYPE, RSA_2048_BLOB, RSA_2048_PRINT},
    {ECDSA_256_TYPE, ECDSA_256_BLOB, ECDSA_256_PRINT},
    {ECDSA_384_TYPE, ECDSA_384_BLOB, ECDSA_384_PRINT},
    {ECDSA_521_TYPE, ECDSA_521_BLOB, ECDSA_521_PRINT},
    {SK_ED25519_TYPE, SK_ED25519_BLOB, SK_ED25519_PRINT},
    {SK_ECDSA_TYPE, SK_ECDSA_BLOB, SK_ECDSA_PRINT},
};

static void
keys_of_every_safe_type_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_free char *line =
		    str_printf("ssh/a.pub:7:%s %s who@where it is", samples[i].type, samples[i].blob);
		auto_keys struct keys keys = parse(line);
		char print[KEYS_FINGERPRINT_SIZE];
		size_t len = 0;
		auto_free void *blob = str_unbase64(samples[i].blob, &len);

		assert_int_equal(keys.refused, 0);
		assert_int_equal(keys.n, 1);
		assert_string_equal(keys.v[0].auth.type, samples[i].type);
		assert_string_equal(keys.v[0].file, "ssh/a.pub");
		assert_int_equal(keys.v[0].line, 7);
		assert_string_equal(keys.v[0].auth.comment, "who@where it is");
		assert_true(has(&keys, blob, len));
		keys_fingerprint(keys.v[0].auth.blob, keys.v[0].auth.blob_len, print);
		assert_string_equal(print, samples[i].print);
	}
}

static void
all_lines_of_all_files_count(void **state)
{
	auto_keys struct keys keys = parse("ssh/a.pub:1:# comment\nssh/a.pub:2:\nssh/a.pub:3:\t " GOOD " \r\n"
					   "ssh/b:1:x.pub:1:" ECDSA_256_TYPE "\t" ECDSA_256_BLOB
					   "\nssh/c.pub:12:" RSA_2048_TYPE " " RSA_2048_BLOB " c\x1b[m\n");
	auto_free char *told = problems(&keys);

	(void)state;
	assert_int_equal(keys.n, 2);
	assert_string_equal(keys.v[0].file, "ssh/a.pub");
	assert_int_equal(keys.v[0].line, 3);
	assert_string_equal(keys.v[0].auth.comment, "");
	assert_string_equal(keys.v[1].file, "ssh/c.pub");
	assert_int_equal(keys.v[1].line, 12);
	assert_string_equal(keys.v[1].auth.comment, "c\\x1b[m");
	/* a file whose name looks like a line number hides only its own key */
	assert_string_equal(told, "ssh/b:1: unknown type of key: key ignored\n");
}

static void
a_key_that_is_not_there_is_not_found(void **state)
{
	auto_keys struct keys keys = parse("a:1:" GOOD "\n");
	struct keys none = {0};
	size_t len = 0;
	auto_free unsigned char *blob = str_unbase64(ED25519_0_BLOB, &len);

	(void)state;
	assert_ptr_equal(keys_next(&keys, NULL, blob, len), &keys.v[0]);
	assert_false(has(&keys, blob, len - 1));
	assert_false(has(&keys, blob, 0));
	assert_false(has(&none, blob, len));
	for (size_t i = 0; i < len; i++) {
		blob[i] ^= 1;
		assert_false(has(&keys, blob, len));
		blob[i] ^= 1;
	}
}

static void
keys_that_cannot_be_used_are_named_with_file_and_line(void **state)
{
	static const struct {
		const char *line;
		const char *warning;
	} bad[] = {
	    {"ssh/x.pub:3:command=\"a b\",no-pty " GOOD,
		"ssh/x.pub:3: option command is refused: a key asks for operations, not for a command of its own: ops=\"...\" "
		"limits it to some: key ignored\n"},
	    {"ssh/x.pub:3:from=\"192.0.2.1 " GOOD,
		"ssh/x.pub:3: a quote in front of the key has no end: key ignored\n"},
	    {"ssh/x.pub:3:no-pty, restrict " GOOD, "ssh/x.pub:3: unknown type of key: key ignored\n"},
	    {"x.pub:0:left out: it is not a regular file", "x.pub: left out: it is not a regular file\n"},
	    {"a:1:command=\"ssh-rsa x\"", "a:1: unknown type of key: key ignored\n"},
	    {"a:1:ssh-dss " DSA_1024_BLOB, "a:1: DSA keys are not safe: key ignored\n"},
	    {"a:1:ssh-rsa " RSA_1024_BLOB, "a:1: an RSA key needs at least 2048 bits: key ignored\n"},
	    {"a:1:ssh-rsa " ED25519_0_BLOB,
		"a:1: the key is not of the type that is written in front of it: key ignored\n"},
	    {"a:1:" ECDSA_384_TYPE " " ECDSA_256_BLOB,
		"a:1: the key is not of the type that is written in front of it: key ignored\n"},
	    {"a:1:ssh-ed25519-cert-v01@openssh.com AAAA", "a:1: unknown type of key: key ignored\n"},
	    {"a:1:ssh-ed25519", "a:1: the key is malformed: key ignored\n"},
	    {"a:1:ssh-ed25519 !!!!", "a:1: the key is malformed: key ignored\n"},
	    {"a:1:ssh-ed25519 AAAA", "a:1: the key is not of the type that is written in front of it: key ignored\n"},
	    {"a:1:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "a:1: the key is malformed: key ignored\n"},
	    {"a:1:-----BEGIN OPENSSH PRIVATE KEY-----", "a:1: unknown type of key: key ignored\n"},
	    {"\x1b[2J:1:nonsense", "\\x1b[2J:1: unknown type of key: key ignored\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_keys struct keys keys = parse(bad[i].line);
		auto_free char *told = problems(&keys);

		assert_string_equal(told, bad[i].warning);
		assert_int_equal(keys.n, 0);
	}
}

/* The blob, base64, with its last byte cut off or one more at its end. */
static char *
resized(const char *base64, int by)
{
	size_t len = 0;
	unsigned char data[1024] = {0};
	auto_free void *blob = str_unbase64(base64, &len);

	assert_true(len + 1 < sizeof(data));
	memcpy(data, blob, len);
	return str_base64(data, len + (size_t)by);
}

static void
a_blob_with_a_byte_too_many_or_too_few_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		for (int by = -1; by <= 1; by++) {
			auto_free char *blob = resized(samples[i].blob, by);
			auto_free char *line = str_printf("a:1:%s %s", samples[i].type, blob);
			auto_keys struct keys keys = parse(line);

			assert_int_equal(keys.n, by == 0);
		}
	}
}

static void
a_point_in_a_form_that_ssh_does_not_use_is_refused(void **state)
{
	size_t len = 0;
	auto_free unsigned char *blob = str_unbase64(ECDSA_256_BLOB, &len);
	auto_free char *base64 = NULL;
	auto_free char *line = NULL;
	struct keys keys;

	(void)state;
	blob[len - 65] = 2;
	base64 = str_base64(blob, len);
	line = str_printf("a:1:%s %s", ECDSA_256_TYPE, base64);
	keys = parse(line);
	assert_int_equal(keys.n, 0);
	keys_done(&keys);
}

static void
lines_that_are_no_text_are_refused(void **state)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);
	struct keys keys = {0};

	(void)state;
	buf_add(&text, "a:1:" GOOD "\0\n", sizeof("a:1:" GOOD "\0\n") - 1);
	buf_str_add(&text, "no colon at all\na:x:" GOOD "\n:::\na:99999999999999999999:" GOOD "\na:1:" GOOD " ");
	for (int i = 0; i < AUTHKEY_LINE_MAX; i++)
		buf_add(&text, "c", 1);
	buf_str_add(&text, "\nb:2:" GOOD);
	keys_parse(buf_str(&text), text.len, &keys);
	assert_int_equal(keys.n, 1);
	assert_string_equal(keys.v[0].file, "b");
	assert_int_equal(text.full, false);
	keys_done(&keys);
}

static void
a_flood_of_keys_stops_at_the_limit(void **state)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);
	struct keys keys = {0};
	auto_free char *told = NULL;

	(void)state;
	for (int i = 0; i < KEYS_MAX + 2; i++)
		buf_str_add(&text, "a:1:" GOOD "\n");
	assert_false(text.full);
	keys_parse(buf_str(&text), text.len, &keys);
	assert_int_equal(keys.n, KEYS_MAX);
	told = problems(&keys);
	assert_string_equal(told,
	    "a:1: a service has at most 1024 keys: key ignored\na:1: a service has at most 1024 keys: key ignored\n");
	keys_done(&keys);
}

static void
a_flood_of_refused_lines_is_counted_and_told_in_part(void **state)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);
	struct keys keys = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "a:%d:nonsense\n", i + 1);
	buf_str_add(&text, "b:1:" GOOD "\n");
	keys_parse(buf_str(&text), text.len, &keys);
	assert_int_equal(keys.n, 1);
	assert_int_equal(keys.refused, 1000);
	assert_int_equal(keys.problems.n, KEYS_PROBLEMS_MAX);
	keys_done(&keys);
}

static void
a_key_in_several_lines_is_found_in_each(void **state)
{
	auto_keys struct keys keys =
	    parse("a:1:ops=\"ps\" " GOOD "\na:2:" RSA_2048_TYPE " " RSA_2048_BLOB "\nb:1:" GOOD "\n");
	size_t len = 0;
	auto_free void *blob = str_unbase64(ED25519_0_BLOB, &len);
	const struct key *first = keys_next(&keys, NULL, blob, len);
	const struct key *second = keys_next(&keys, first, blob, len);

	(void)state;
	assert_string_equal(first->file, "a");
	assert_string_equal(first->auth.limits.ops.v[0], "ps");
	assert_string_equal(second->file, "b");
	assert_int_equal(second->auth.limits.ops.n, 0);
	assert_null(keys_next(&keys, second, blob, len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_of_every_safe_type_are_taken),
	    cmocka_unit_test(all_lines_of_all_files_count),
	    cmocka_unit_test(a_key_that_is_not_there_is_not_found),
	    cmocka_unit_test(keys_that_cannot_be_used_are_named_with_file_and_line),
	    cmocka_unit_test(a_blob_with_a_byte_too_many_or_too_few_is_refused),
	    cmocka_unit_test(a_point_in_a_form_that_ssh_does_not_use_is_refused),
	    cmocka_unit_test(lines_that_are_no_text_are_refused),
	    cmocka_unit_test(a_flood_of_keys_stops_at_the_limit),
	    cmocka_unit_test(a_flood_of_refused_lines_is_counted_and_told_in_part),
	    cmocka_unit_test(a_key_in_several_lines_is_found_in_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
