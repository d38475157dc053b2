/* [[operators]], and what people may see of the configuration. */
#include "checked.h"
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/shown.h"

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAICqnt8gEUxOOeGG+3IEzFBcmBSR3KtVx1dy6omaGTnJD"
#define KEY "ssh-ed25519 " BLOB
#define WEB "[[services]]\nname = \"web\"\nuser = \"web\"\nrepository = \"/srv/web.git\"\n"
#define ALICE "[[operators]]\nname = \"alice\"\nkey = \"" KEY " alice@home\"\n"

static void
expect_errors(const char *text, const char *want)
{
	json_t *doc = check_text(text, strlen(text));
	auto_buf struct buf b = BUF_INIT(1 << 16);
	size_t i;
	json_t *e;

	json_array_foreach(json_object_get(doc, "errors"), i, e)
	{
		buf_printf(&b, "%d:%d: %s\n", (int)json_integer_value(json_object_get(e, "line")),
		    (int)json_integer_value(json_object_get(e, "column")),
		    json_string_value(json_object_get(e, "message")));
	}
	assert_string_equal(buf_str(&b), want);
	json_decref(doc);
}

static void
an_operator_comes_out_as_written(void **state)
{
	struct conf *c = checked_conf(
	    ALICE WEB "[[operators]]\nname = \"ci\"\nkey = 'from=\"192.0.2.0/24\" ecdsa-sha2-nistp256 "
		      "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3U"
		      "Uh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhD4hkbqEctnmc='\n"
		      "services = [ \"web\" ]\nops = [ \"up\", \"host://status\" ]\n");
	const struct conf_operator *o = c->operators.v;

	(void)state;
	assert_int_equal(c->operators.n, 2);
	assert_string_equal(o[0].name, "alice");
	assert_string_equal(o[0].key.type, "ssh-ed25519");
	assert_string_equal(o[0].key.comment, "alice@home");
	assert_true(operator_has(&o[0], "web") && operator_has(&o[0], "anything"));
	assert_int_equal(o[0].ops.n, 0);
	assert_string_equal(o[1].key.limits.from, "192.0.2.0/24");
	assert_true(operator_has(&o[1], "web"));
	assert_false(operator_has(&o[1], "anything"));
	assert_true(strv_has(&o[1].ops, "up") && strv_has(&o[1].ops, "host://status"));
	conf_free(c);
}

static void
what_is_wrong_with_an_operator_is_told(void **state)
{
	(void)state;
	expect_errors("[[operators]]\nname = \"a b\"\nkey = \"/root/key.pub\"\nservices = []\nops = []\nfoo = 1\n",
	    "2:8: operators[0]: key \"name\" may hold only letters, digits, \".\", \"_\", \"@\" and \"-\"\n"
	    "3:7: operators[0]: key \"key\" is a path: write the line of the public key itself\n"
	    "4:12: operators[0]: key \"services\" is an empty list: leave it out for all of them\n"
	    "5:7: operators[0]: key \"ops\" is an empty list: leave it out for all of them\n"
	    "6:1: operators[0]: key \"foo\" is not known\n");
	expect_errors("[[operators]]\nname = \"a\"\nkey = 1\nservices = [ \"web\", \"nope\", \"A\" ]\n"
		      "ops = [ \"ps\", \"frob\", \"services\" ]\n" WEB,
	    "3:7: operators[0]: key \"key\" must be a string, not a number: write key = \"ssh-ed25519 AAAA... alice\"\n"
	    "4:21: operators[0] \"a\": key \"services[1]\" names \"nope\", which is no service of this file\n"
	    "4:29: operators[0]: key \"services[2]\" has upper case: compose takes lower case only, write it so\n"
	    "5:15: operators[0]: key \"ops[1]\" is no operation: frob (of the host as a whole: \"host://status\")\n"
	    "5:23: operators[0]: key \"ops[2]\" is no operation: services (of the host as a whole: \"host://status\")\n");
	expect_errors("[[operators]]\nname = \"a\"\nkey = 'command=\"x\" " KEY "'\n",
	    "3:7: operators[0]: key \"key\" is no usable public key: option command is refused: a key asks for operations, not "
	    "for a command of its own: ops=\"...\" limits it to some\n");
	expect_errors("[[operators]]\nname = \"a\"\nkey = '''\n-----BEGIN OPENSSH PRIVATE KEY-----\nhunter22'''\n",
	    "3:7: operators[0]: key \"key\" is a private key: write the public one, and make a new pair\n");
	expect_errors("[[operators]]\nname = \"a\"\nkey = \"\"\"" KEY "\n" KEY "\"\"\"\n",
	    "3:7: operators[0]: key \"key\" has several lines: write one, and an operator for each further key\n");
	expect_errors("[[operators]]\nname = \"a\"\nkey = \"\\u001b[2Jx=\\u0007 " KEY "\"\n",
	    "3:7: operators[0]: key \"key\" is no usable public key: option \"\\x1b[2Jx\" in front of the key is not "
	    "known\n");
}

static void
two_operators_share_neither_name_nor_key(void **state)
{
	(void)state;
	expect_errors(ALICE "[[operators]]\nname = \"alice\"\nkey = 'no-pty " KEY " other'\n",
	    "5:8: operators[1] \"alice\": key \"name\" is the same as on line 2: each operator needs a name of his own\n"
	    "6:7: operators[1] \"alice\": key \"key\" is the same as on line 3: each operator needs a key of his own\n");
}

static void
too_many_operators_are_refused(void **state)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);
	json_t *doc;

	(void)state;
	for (int i = 0; i <= CHECK_OPERATORS_MAX; i++)
		buf_printf(&text, "[[operators]]\nname = \"a%d\"\nkey = \"x\"\n", i);
	doc = check_text(buf_str(&text), text.len);
	assert_int_equal(json_array_size(json_object_get(doc, "errors")), CHECK_OPERATORS_MAX + 1);
	json_decref(doc);
}

#define SECRETS                                                                                                              \
	"[[services]]\nname = \"a\"\nuser = \"a\"\nrepository = \"https://u:hunter22@host/x\"\nenv = [ \"TOKEN=hunter22\", " \
	"\"B=hunter22=hunter22\" ]\nregistries = [ \"hunter22@r:5000\", \"u:hunter22@hunter22@r\" ]\n"                       \
	"urls = { \"a.org\" = \"web:80\" }\nkeep = 5\n"

static void
what_is_shown_has_no_secret_in_it(void **state)
{
	struct conf *c = checked_conf(SECRETS ALICE);
	auto_free char *shown = json_dumps(c->shown, JSON_COMPACT);

	(void)state;
	assert_null(strstr(shown, "hunter22"));
	assert_string_equal(shown,
	    "{\"services\":[{\"set\":{\"name\":\"a\",\"user\":\"a\",\"repository\":\"https://***@host/x\",\"env\":[\"TOKEN=***\","
	    "\"B=***\"],\"registries\":[\"***@r:5000\",\"***@r\"],\"urls\":{\"a.org\":\"web:80\"},\"keep\":5},"
	    "\"otherwise\":{\"branch\":\"main\",\"update\":\"recreate\",\"health_timeout\":\"2m\",\"settle\":\"2s\","
	    "\"rewind\":\"allow\"}}],\"operators\":[{\"set\":{\"name\":\"alice\",\"key\":\"" KEY
	    " alice@home\"},\"otherwise\":{}}]}");
	conf_free(c);
}

static void
of_a_command_only_the_program_is_shown(void **state)
{
	struct conf *c =
	    checked_conf(WEB "import = \"routes\"\nreload = \"localhost:web//exec web caddy reload hunter22\"\n"
			     "[proxy]\ntype = \"nginx\"\nfile = \"/etc/nginx/conf.d/pgo.conf\"\n"
			     "test = [ \"/usr/bin/check\", \"--token\", \"hunter22\" ]\n");
	auto_free char *shown = json_dumps(c->shown, JSON_COMPACT);

	(void)state;
	assert_null(strstr(shown, "hunter22"));
	assert_non_null(strstr(shown, "\"reload\":\"localhost:web//exec web caddy ***\""));
	assert_non_null(strstr(shown, "\"test\":[\"/usr/bin/check\",\"***\"]"));
	conf_free(c);
}

/* Whoever adds a key decides what people see of it: what has no row in shown.c is hidden. */
static void
a_key_that_nobody_thought_of_is_hidden(void **state)
{
	static const struct key keys[] = {
	    KEY_ROW("password", KEY_STRING, KEY_OPTIONAL, NULL, "password = \"x\"", "A key of tomorrow."),
	};
	static const struct menu menu = {keys, 1};
	json_t *entry = json_pack("{s:{s:s, s:s}}", "node", "type", "string", "value", "hunter22");
	struct table t = {.menu = &menu, .entries = {entry}};
	json_t *shown = shown_table(&t);

	(void)state;
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(shown, "set"), "password")), SHOWN_HIDDEN);
	json_decref(shown);
	json_decref(entry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_operator_comes_out_as_written),
	    cmocka_unit_test(what_is_wrong_with_an_operator_is_told),
	    cmocka_unit_test(two_operators_share_neither_name_nor_key),
	    cmocka_unit_test(too_many_operators_are_refused),
	    cmocka_unit_test(what_is_shown_has_no_secret_in_it),
	    cmocka_unit_test(of_a_command_only_the_program_is_shown),
	    cmocka_unit_test(a_key_that_nobody_thought_of_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
