/* The keys that are uploaded for pushes: what is taken, what is refused with which words, and what they may. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/keys.h"
#include "core/pushkey.h"
#include "sample_keys.h"

#define KEY ED25519_0_TYPE " " ED25519_0_BLOB
#define OTHER ECDSA_256_TYPE " " ECDSA_256_BLOB

/* The key as it would be written down. */
static void
taken(const char *text, const char *line)
{
	auto_authkey struct authkey key = {0};
	auto_free char *again = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(pushkey_read(text, strlen(text), &key, &err), 0);
	again = pushkey_line(&key);
	assert_string_equal(again, line);
}

static void
refused_bytes(const char *text, size_t len, const char *why)
{
	struct authkey key = {0};
	struct err err = ERR_INIT;

	assert_int_equal(pushkey_read(text, len, &key, &err), -EINVAL);
	assert_string_equal(err.msg, why);
	assert_null(key.blob);
}

static void
refused(const char *text, const char *why)
{
	refused_bytes(text, strlen(text), why);
}

static void
a_key_is_taken_as_ssh_keygen_writes_it(void **state)
{
	(void)state;
	taken(KEY " tess@laptop\n", KEY " tess@laptop");
	taken(KEY " tess@laptop\r\n", KEY " tess@laptop");
	taken(KEY, KEY);
	taken("  " KEY " \t two  words  \n", KEY " two  words");
	taken(OTHER "\n", OTHER);
	taken(RSA_2048_TYPE " " RSA_2048_BLOB " x", RSA_2048_TYPE " " RSA_2048_BLOB " x");
	taken(SK_ED25519_TYPE " " SK_ED25519_BLOB, SK_ED25519_TYPE " " SK_ED25519_BLOB);
	taken(KEY " J\xc3\xbcrg \x9b", KEY " J\xc3\xbcrg \\x9b");
}

static void
two_keys_are_refused_wherever_the_second_stands(void **state)
{
	static const char lines[] = "there are several lines: send one key at a time, each under its name";
	static const char words[] = "there is a second key in the line: send one at a time, each under its name";

	(void)state;
	refused(KEY "\n" OTHER "\n", lines);
	refused(KEY "\n\n", lines);
	refused("\n" KEY "\n", lines);
	refused(KEY "\n# a comment\n", lines);
	refused(KEY " " OTHER, words);
	refused(KEY " comment " OTHER, words);
	refused(KEY " ssh-dss", words);
}

static void
what_could_become_a_second_line_is_refused(void **state)
{
	(void)state;
	refused(KEY "\r" OTHER, "this is no public key: byte 81 of it is the control character \\x0d");
	refused(KEY " a\rb\n", "this is no public key: byte 83 of it is the control character \\x0d");
	refused(KEY "\r\r\n", "this is no public key: byte 81 of it is the control character \\x0d");
	refused(KEY "\n\r", "there are several lines: send one key at a time, each under its name");
	refused_bytes(KEY "\0" OTHER, sizeof(KEY "\0" OTHER) - 1,
	    "this is no public key: byte 81 of it is the control character \\x00");
	refused_bytes(KEY "\0", sizeof(KEY), "this is no public key: byte 81 of it is the control character \\x00");
	refused(KEY " \x1b[2J", "this is no public key: byte 82 of it is the control character \\x1b");
	refused(KEY " \x7f", "this is no public key: byte 82 of it is the control character \\x7f");
}

static void
options_in_front_of_a_key_are_refused(void **state)
{
	static const char why[] =
	    "there are options in front of the key: send it without, and say with --apps what it may";

	(void)state;
	refused("no-pty " KEY, why);
	refused("restrict,no-pty " KEY " x\n", why);
	refused("command=\"sh -c 'a b'\" " KEY, why);
}

static void
what_is_no_key_is_refused_with_what_to_send(void **state)
{
	(void)state;
	refused("", "nothing came: send the line of the public key on standard input");
	refused("\n", "nothing came: send the line of the public key on standard input");
	refused(" \t \r\n", "nothing came: send the line of the public key on standard input");
	refused("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n",
	    "this is a private key: send the public one, and make a new pair");
	refused("ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAx ca",
	    "this is a certificate: send the public key itself");
	refused("hello", "this is no usable public key: unknown type of key");
	refused("ops=\"ping " KEY, "this is no usable public key: a quote in front of the key has no end");
	refused("ssh-ed25519", "this is no usable public key: the key is malformed");
	refused("ssh-ed25519 AAAA", "this is no usable public key: the key is not of the type that is written in front "
				    "of it");
	refused("ssh-rsa " ED25519_0_BLOB,
	    "this is no usable public key: the key is not of the type that is written in front of it");
	refused(RSA_1024_TYPE " " RSA_1024_BLOB, "this is no usable public key: an RSA key needs at least 2048 bits");
	refused(DSA_1024_TYPE " " DSA_1024_BLOB, "this is no usable public key: DSA keys are not safe");
}

static void
what_is_too_long_is_no_key(void **state)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);

	(void)state;
	buf_str_add(&text, KEY " ");
	while (text.len <= PUSHKEY_TEXT_MAX)
		buf_str_add(&text, "x");
	refused(buf_str(&text), "this is no public key: it is longer than 16384 bytes");
}

static void
fingerprints_are_those_of_ssh_keygen(void **state)
{
	static const struct {
		const char *blob, *sha256, *md5;
	} keys[] = {
	    {ED25519_0_BLOB, ED25519_0_PRINT, "MD5:c8:6b:b0:a2:34:46:01:f8:91:c5:d0:4c:43:8b:e6:55"},
	    {RSA_2048_BLOB, RSA_2048_PRINT, "MD5:b1:8a:37:c1:66:5b:66:bd:99:6d:b7:9d:20:67:9b:fe"},
	    {ECDSA_521_BLOB, ECDSA_521_PRINT, "MD5:4e:f7:24:c8:12:5d:03:e1:64:f3:b8:4d:c1:83:f3:09"},
	    {SK_ED25519_BLOB, SK_ED25519_PRINT, "MD5:98:e0:73:f8:c5:93:41:36:77:b8:46:ce:c2:95:2f:34"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char sha256[KEYS_FINGERPRINT_SIZE];
		char md5[KEYS_MD5_SIZE];
		size_t len = 0;
		auto_free void *blob = str_unbase64(keys[i].blob, &len);

		keys_fingerprint(blob, len, sha256);
		keys_fingerprint_md5(blob, len, md5);
		assert_string_equal(sha256, keys[i].sha256);
		assert_string_equal(md5, keys[i].md5);
	}
}

/* What --apps LIST says, written down, read again, and in words. */
static void
rights(const char *list, const char *stored, const char *words)
{
	struct pushkey k = {0};
	struct pushkey again = {0};
	auto_buf struct buf told = BUF_INIT(4096);
	auto_free char *text = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(pushkey_read_apps(list, &k, &err), 0);
	text = pushkey_apps(&k);
	assert_string_equal(text, stored);
	pushkey_set_apps(&again, text);
	assert_int_equal(again.all, k.all);
	assert_int_equal(again.makes, k.makes);
	assert_int_equal(again.apps.n, k.apps.n);
	pushkey_rights(&again, &told);
	assert_string_equal(buf_str(&told), words);
	pushkey_done(&k);
	pushkey_done(&again);
}

static void
apps_are_named_as_in_a_push_and_known_by_their_services(void **state)
{
	(void)state;
	rights(NULL, "+\n", "makes apps");
	rights("*", "*\n", "all apps");
	rights("blog", "blog\n", "blog");
	rights("blog,a.b-c,blog", "blog\na_b-c\n", "blog, a.b-c");
	rights("a_b", "a_b\n", "a.b");
}

static void
lists_of_apps_that_are_none_are_refused(void **state)
{
	static const char *const lists[] = {"", ",", "blog,", ",blog", "blog,,shop", "Blog", "../x", "a b", "-x",
	    "*,blog", "blog,*", "x.git", "a\nb", "+",
	    "0123456789012345678901234567890123456789012345678901234567890123"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct pushkey k = {0};
		struct err err = ERR_INIT;

		assert_int_equal(pushkey_read_apps(lists[i], &k, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "the name of an app, \""));
		assert_null(strchr(err.msg, '\n'));
		pushkey_done(&k);
	}
}

static void
a_key_may_act_on_its_apps_and_make_those_it_may_make(void **state)
{
	struct pushkey listed = {0};
	struct pushkey maker = {0};
	struct pushkey all = {0};

	(void)state;
	pushkey_set_apps(&listed, "blog\nshop\n");
	pushkey_set_apps(&maker, "blog\n+\n");
	pushkey_set_apps(&all, "*\n");
	assert_true(pushkey_may(&listed, "blog") && pushkey_may(&listed, "shop"));
	assert_false(pushkey_may(&listed, "blo") || pushkey_may(&listed, "blogs") || pushkey_may(&listed, ""));
	assert_true(pushkey_may_make(&listed, "blog"));
	assert_false(pushkey_may_make(&listed, "other"));
	assert_true(pushkey_may(&maker, "blog") && pushkey_may_make(&maker, "other"));
	assert_false(pushkey_may(&maker, "other"));
	assert_true(pushkey_may(&all, "other") && pushkey_may_make(&all, "other"));
	pushkey_done(&listed);
	pushkey_done(&maker);
	pushkey_done(&all);
}

static void
rights_are_given_and_taken_app_by_app(void **state)
{
	struct pushkey k = {.name = (char[]){"tess"}};
	struct err err = ERR_INIT;
	auto_free char *some = NULL;
	auto_free char *none = NULL;

	(void)state;
	pushkey_set_apps(&k, "blog\n+\n");
	assert_int_equal(pushkey_allow(&k, "shop", &err), 0);
	assert_int_equal(pushkey_allow(&k, "blog", &err), 0);
	assert_int_equal(pushkey_allow(&k, "*", &err), 0);
	assert_true(pushkey_may(&k, "other"));
	assert_int_equal(pushkey_deny(&k, "*", &err), 0);
	some = pushkey_apps(&k);
	assert_string_equal(some, "blog\nshop\n");
	assert_false(pushkey_may_make(&k, "other"));
	assert_int_equal(pushkey_deny(&k, "blog", &err), 0);
	assert_int_equal(pushkey_deny(&k, "shop", &err), 0);
	assert_int_equal(pushkey_deny(&k, "shop", &err), 0);
	none = pushkey_apps(&k);
	assert_string_equal(none, "");
}

static void
a_key_is_allowed_so_many_apps_by_name_and_no_more(void **state)
{
	struct pushkey k = {.name = (char[]){"tess"}};
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i < PUSHKEY_APPS_MAX; i++) {
		auto_free char *app = str_printf("app%d", i);

		assert_int_equal(pushkey_allow(&k, app, &err), 0);
	}
	assert_int_equal(pushkey_allow(&k, "one-more", &err), -EINVAL);
	assert_int_equal(pushkey_allow(&k, "*", &err), 0);
	strv_done(&k.apps);
}

static struct pushkey
named(const char *name, const char *line)
{
	struct pushkey k = {.name = str_dup(name), .maker = str_dup("")};

	assert_int_equal(pushkey_read(line, strlen(line), &k.auth, NULL), 0);
	return k;
}

static void
keys_are_found_by_name_and_by_blob_in_the_order_of_their_names(void **state)
{
	struct pushkeys keys = {NULL, 0};
	struct pushkey zoe = named("zoe", KEY);
	struct pushkey ann = named("ann", OTHER);
	size_t len = 0;
	auto_free void *blob = str_unbase64(ED25519_0_BLOB, &len);

	(void)state;
	pushkeys_add(&keys, &zoe);
	pushkeys_add(&keys, &ann);
	assert_string_equal(keys.v[0].name, "ann");
	assert_ptr_equal(pushkeys_find(&keys, "zoe"), &keys.v[1]);
	assert_ptr_equal(pushkeys_with(&keys, blob, len), &keys.v[1]);
	assert_null(pushkeys_find(&keys, "zo"));
	assert_null(pushkeys_with(&keys, blob, len - 1));
	pushkeys_remove(&keys, &keys.v[0]);
	assert_string_equal(keys.v[0].name, "zoe");
	assert_null(pushkeys_find(&keys, "ann"));
	pushkeys_remove(&keys, &keys.v[0]);
	assert_null(pushkeys_with(&keys, blob, len));
	pushkeys_done(&keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_is_taken_as_ssh_keygen_writes_it),
	    cmocka_unit_test(two_keys_are_refused_wherever_the_second_stands),
	    cmocka_unit_test(what_could_become_a_second_line_is_refused),
	    cmocka_unit_test(options_in_front_of_a_key_are_refused),
	    cmocka_unit_test(what_is_no_key_is_refused_with_what_to_send),
	    cmocka_unit_test(what_is_too_long_is_no_key),
	    cmocka_unit_test(fingerprints_are_those_of_ssh_keygen),
	    cmocka_unit_test(apps_are_named_as_in_a_push_and_known_by_their_services),
	    cmocka_unit_test(lists_of_apps_that_are_none_are_refused),
	    cmocka_unit_test(a_key_may_act_on_its_apps_and_make_those_it_may_make),
	    cmocka_unit_test(rights_are_given_and_taken_app_by_app),
	    cmocka_unit_test(a_key_is_allowed_so_many_apps_by_name_and_no_more),
	    cmocka_unit_test(keys_are_found_by_name_and_by_blob_in_the_order_of_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
