#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "conf/problems.h"
#include "conf/toml.h"

#define WEB "[[services]]\nname = \"web\"\nuser = \"web\"\nrepository = \"/srv/web.git\"\n"

/* The errors of a text, a line each: line:column: sentence. */
static char *
errors_of(const char *text, size_t len)
{
	struct buf b = BUF_INIT(1 << 20);
	json_t *doc = check_text(text, len);
	size_t i;
	const json_t *e;

	json_array_foreach(json_object_get(doc, "errors"), i, e)
	{
		buf_printf(&b, "%d:%d: %s\n", (int)json_integer_value(json_object_get(e, "line")),
		    (int)json_integer_value(json_object_get(e, "column")),
		    json_string_value(json_object_get(e, "message")));
	}
	if (b.len > 0)
		assert_int_equal(json_array_size(json_object_get(doc, "services")), 0);
	json_decref(doc);
	return buf_take(&b);
}

static void
expect_errors(const char *text, const char *want)
{
	auto_free char *errors = errors_of(text, strlen(text));

	assert_string_equal(errors, want);
}

static void
an_empty_file_has_no_services_and_is_fine(void **state)
{
	static const char *const texts[] = {
	    "", "\n", "# nothing\n", "services = []\n", "\xEF\xBB\xBF# with a byte order mark\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *doc = check_text(texts[i], strlen(texts[i]));
		auto_free char *json = json_dumps(doc, JSON_COMPACT);

		assert_string_equal(
		    json, "{\"version\":1,\"errors\":[],\"services\":[],\"operators\":[],\"shown\":{}}");
		json_decref(doc);
	}
}

/* Takes the masks of a service out of the document, and tells how many there were; test_masks.c is about what they do.
 */
static size_t
take_masks(json_t *doc, size_t service)
{
	json_t *settings = json_object_get(json_array_get(json_object_get(doc, "services"), service), "settings");
	size_t n = json_array_size(json_object_get(settings, "masks"));

	assert_int_equal(json_object_del(settings, "masks"), 0);
	return n;
}

static void
a_whole_service_comes_out_as_documented(void **state)
{
	static const char text[] =
	    "\n[[services]]\nNAME = \"pgo\"\nUser  =  \"miek\"\n"
	    "rePository = \"https://oauth2:to%40ken@host/x\"\nbranch = \"prod\"\ncompose = \"d/c.yaml\"\n"
	    "env = [ \"A=b\", \"\"\"B=c\nd\"\"\" ]\nnetworks = [ \"n\" ]\nregistries = [ \"u:t@o@r:5000\" ]\n"
	    "urls = { \"b.org\" = \"web:8080\", \"a.org\" = \"web:1\" }\nupdate = \"start-first\"\ntimeout = \"1h30m\"\n"
	    "health_timeout = \"90s\"\nsettle = \"0s\"\nkeep = 20\nsigners = \"/etc/pgo/signers\"\nrewind = \"refuse\"\n"
	    "allow = [ \"cap_add:NET_ADMIN\", \"privileged\" ]\nports = [ \"5005/5\" ]\ncpus = 1.5\nmemory = \"1.5GiB\"\npids = "
	    "200\nimport = \"c/routes\"\nreload = \"h:c//exec caddy reload\"\n" WEB "networks = []\n";
	/* printf %s https://host/x | sha256sum; printf %s /srv/web.git | sha256sum; printf "A=b\\0B=c\\nd\\0" |
	 * sha256sum; sha256sum </dev/null */
	static const char want[] =
	    "{\"version\":1,\"errors\":[],\"services\":["
	    "{\"name\":\"pgo\",\"user\":\"miek\",\"repository\":\"https://host/x\",\"hosted\":false,\"auth\":\"oauth2:to@ken\","
	    "\"source\":\"36701dd4f76a868b85fa8465968bb0ec3b69bc2843b80dad2be356283021aa65\",\"branch\":\"prod\","
	    "\"compose\":\"d/"
	    "c.yaml\",\"env\":[\"A=b\",\"B=c\\nd\"],\"registries\":[\"u:t@o@r:5000\"],\"networks\":[\"n\"],"
	    "\"signers\":\"/etc/pgo/signers\",\"mount\":null,\"settings\":{\"timeout_ms\":5400000,\"health_timeout_ms\":90000,"
	    "\"settle_ms\":0,\"keep\":20,\"cpus_milli\":1500,\"memory_bytes\":1610612736,\"pids\":200,"
	    "\"update\":\"start-first\",\"import\":\"c/routes\",\"reload\":\"h:c//exec caddy reload\",\"rewind_refused\":true,"
	    "\"group\":null,\"ignore\":false,\"env_digest\":\"a4686b58216f80ef2ea7704023e17c5a9147e210233214880d96b9c52b7a7e03\",\"allow\":[\"cap_add:NET_ADMIN\",\"privileged\"],"
	    "\"ports\":[\"5005/5\"],\"urls\":[\"b.org web:8080\",\"a.org web:1\"]},"
	    "\"line\":2,\"user_line\":4,\"user_column\":10},"
	    "{\"name\":\"web\",\"user\":\"web\",\"repository\":\"/srv/web.git\",\"hosted\":false,\"auth\":null,"
	    "\"source\":\"154c8ad4c632c3bb9f98f5b3910ae521c929232f0cf3e5d7025a4f381a2fe5e6\",\"branch\":\"main\","
	    "\"compose\":null,\"env\":[],\"registries\":[],\"networks\":[],\"signers\":null,\"mount\":null,\"settings\":{\"timeout_ms\":0,"
	    "\"health_timeout_ms\":120000,\"settle_ms\":2000,\"keep\":3,\"cpus_milli\":0,\"memory_bytes\":0,\"pids\":0,"
	    "\"update\":null,\"import\":null,\"reload\":null,\"rewind_refused\":false,"
	    "\"group\":null,\"ignore\":false,\"env_digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"allow\":[],\"ports\":[],\"urls\":[]},"
	    "\"line\":27,\"user_line\":29,\"user_column\":8}],\"operators\":[]}";
	json_t *doc = check_text(text, sizeof(text) - 1);
	auto_free char *json = NULL;

	(void)state;
	assert_true(take_masks(doc, 0) > 5);
	assert_int_equal(take_masks(doc, 1), 0);
	json_object_del(doc, "shown"); /* has a test of its own */
	json = json_dumps(doc, JSON_COMPACT);
	assert_string_equal(json, want);
	json_decref(doc);
}

static char *
source_of(const char *repository)
{
	auto_free char *text = str_printf("[[services]]\nname=\"a\"\nuser=\"a\"\nrepository=\"%s\"\n", repository);
	json_t *doc = check_text(text, strlen(text));
	char *source =
	    str_dup(json_string_value(json_object_get(json_array_get(json_object_get(doc, "services"), 0), "source")));

	json_decref(doc);
	return source;
}

static void
a_new_token_is_no_new_repository(void **state)
{
	auto_free char *old = source_of("https://u:token1@h/a");
	auto_free char *rotated = source_of("https://u:token2@h/a");
	auto_free char *without = source_of("https://h/a");
	auto_free char *other = source_of("https://h/b");
	auto_free char *ssh1 = source_of("ssh://u1@h/a");
	auto_free char *ssh2 = source_of("ssh://u2@h/a");

	(void)state;
	assert_string_equal(old, rotated);
	assert_string_equal(old, without);
	assert_string_not_equal(old, other);
	assert_string_not_equal(ssh1, ssh2);
}

#define SUITS(type) (1U << (type))

/* One value of each type; which key types it suits. */
static const struct {
	const char *text;
	const char *called;
	unsigned suits;
} values[] = {
    {"\"x\"", "a string", SUITS(KEY_STRING) | SUITS(KEY_DURATION) | SUITS(KEY_SIZE)},
    {"1", "a number", SUITS(KEY_COUNT) | SUITS(KEY_NUMBER)},
    {"1.5", "a decimal number", SUITS(KEY_NUMBER)},
    {"true", "a truth value", SUITS(KEY_BOOL)},
    {"2020-01-01", "a date or time", 0},
    {"10:00:00", "a date or time", 0},
    {"[]", "a list", SUITS(KEY_STRINGS)},
    {"{}", "a table", SUITS(KEY_TABLE)},
};

/* A service whose `key` has this value, alone on the last line; the other needed keys before it. */
static char *
service_with(const char *key, const char *value, int *ret_line)
{
	struct buf b = BUF_INIT(4096);

	buf_str_add(&b, "[[services]]\n");
	*ret_line = 2;
	for (int i = 0; i < 3; i++) {
		static const char *const needed[][2] = {
		    {"name", "web"}, {"user", "web"}, {"repository", "/srv/web.git"}};

		if (str_eq(needed[i][0], key))
			continue;
		buf_printf(&b, "%s = \"%s\"\n", needed[i][0], needed[i][1]);
		(*ret_line)++;
	}
	buf_printf(&b, "%s = %s\n", key, value);
	return buf_take(&b);
}

static void
expect_wrong_type(
    const struct key *key, const char *value, const char *where, int column, const char *wanted, const char *called)
{
	int line;
	auto_free char *text = service_with(key->name, value, &line);
	auto_free char *errors = errors_of(text, strlen(text));
	const char *title = str_eq(key->name, "name") ? "services[0]" : "services[0] \"web\"";
	auto_free char *want = str_printf("%d:%d: %s: key \"%s\" must be %s, not %s: write %s\n", line,
	    (int)strlen(key->name) + 3 + column, title, where, wanted, called, key->example);

	assert_string_equal(errors, want);
}

static void
every_key_refuses_every_wrong_type_by_name(void **state)
{
	size_t n = service_menu.n;
	const struct key *keys = service_menu.keys;
	size_t tried = 0;

	(void)state;
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < ARRAY_LEN(values); i++) {
			if ((values[i].suits & SUITS(keys[k].type)) != 0)
				continue;
			expect_wrong_type(
			    &keys[k], values[i].text, keys[k].name, 1, key_type_text(keys[k].type), values[i].called);
			tried++;
		}
	}
	/* A number suits two of the values. */
	assert_int_equal(tried, n * (ARRAY_LEN(values) - 1) - 1);
}

static void
every_list_refuses_every_wrong_entry_by_index(void **state)
{
	size_t n = service_menu.n;
	const struct key *keys = service_menu.keys;

	(void)state;
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < ARRAY_LEN(values); i++) {
			const char *good = keys[k].type == KEY_TABLE		? "a = \"b:1\", b = "
					   : str_eq(keys[k].name, "env")	? "\"A=b\", "
					   : str_eq(keys[k].name, "registries") ? "\"t@r\", "
					   : str_eq(keys[k].name, "ports")	? "\"1/2\", "
					   : str_eq(keys[k].name, "allow")	? "\"privileged\", "
										: "\"netw\", ";
			auto_free char *value =
			    str_printf(keys[k].type == KEY_TABLE ? "{ %s%s }" : "[ %s%s ]", good, values[i].text);
			auto_free char *where = str_printf("%s[1]", keys[k].name);

			if ((keys[k].type != KEY_STRINGS && keys[k].type != KEY_TABLE) || i == 0)
				continue;
			expect_wrong_type(&keys[k], value, where, 3 + (int)strlen(good), "a string", values[i].called);
		}
	}
}

static void
every_needed_key_that_is_missing_is_named(void **state)
{
	(void)state;
	expect_errors("\n  [[services]]\n",
	    "2:3: services[0]: key \"name\" is missing: write name = \"web\"\n"
	    "2:3: services[0]: key \"user\" is missing: write user = \"web\"\n"
	    "2:3: services[0]: key \"repository\" is missing: write repository = \"https://example.org/web.git\"\n");
}

static void
the_same_name_twice_names_both_lines(void **state)
{
	(void)state;
	expect_errors(WEB WEB, "6:8: services[1] \"web\": key \"name\" is the same on line 2 and on line 6: each "
			       "service needs a name of its own\n");
}

static void
the_same_key_in_another_case_is_there_twice(void **state)
{
	(void)state;
	expect_errors(WEB "NAME = \"other\"\n", "5:1: services[0] \"web\": key \"name\" is there twice, on line 2 and "
						"on line 5 (upper and lower case are one key): remove one\n");
	expect_errors(WEB "[[Services]]\n", "5:3: \"services\" is there twice, on line 1 and on line 5 (upper and "
					    "lower case are one key): write [[services]] everywhere\n");
	expect_errors(
	    WEB "name = \"other\"\n", "5:8: syntax error in key-value pair: cannot redefine existing string 'name'\n");
}

static void
unknown_keys_are_named_with_what_was_probably_meant(void **state)
{
	(void)state;
	expect_errors(WEB "repositry = 1\nnetwork = 1\nfoo = 1\nBRANHC = 1\n\"a\\u0000b\" = 1\n\"a\\u001b[2J\" = "
			  "1\nurl = 1\nenvs = 1\n",
	    "5:1: services[0] \"web\": key \"repositry\" is not known: did you mean \"repository\"?\n"
	    "6:1: services[0] \"web\": key \"network\" is not known: did you mean \"networks\"?\n"
	    "7:1: services[0] \"web\": key \"foo\" is not known\n"
	    "8:1: services[0] \"web\": key \"BRANHC\" is not known: did you mean \"branch\"?\n"
	    "9:1: services[0] \"web\": key \"a\\x00b\" is not known\n"
	    "10:1: services[0] \"web\": key \"a\\x1b[2J\" is not known\n"
	    "11:1: services[0] \"web\": key \"url\" is not known: did you mean \"urls\"?\n"
	    "12:1: services[0] \"web\": key \"envs\" is not known: did you mean \"env\"?\n");
}

static void
only_services_may_stand_at_the_top(void **state)
{
	(void)state;
	expect_errors("name = \"x\"\nfoo = 1\n[proxy]\n[[Operators]]\n[bar]\n",
	    "1:1: key \"name\" stands outside of a service: write it beneath [[services]]\n"
	    "2:1: \"foo\" is not known: at the top of the file there is only [[services]], [proxy], [push], [[operators]]\n"
	    "3:1: proxy: key \"type\" is missing: write type = \"nginx\"\n"
	    "3:1: proxy: key \"file\" is missing: write file = \"/etc/nginx/conf.d/pgo.conf\"\n"
	    "4:1: operators[0]: key \"name\" is missing: write name = \"alice\"\n"
	    "4:1: operators[0]: key \"key\" is missing: write key = \"ssh-ed25519 AAAA... alice\"\n"
	    "5:2: \"bar\" is not known: at the top of the file there is only [[services]], [proxy], [push], [[operators]]\n");
	expect_errors("proxy = 1\noperators = {}\nserivces = 1\n",
	    "1:9: \"proxy\" must be a table, not a number: write [proxy], in single brackets\n"
	    "2:13: \"operators\" must be a list of tables, not a table: write [[operators]], in double brackets\n"
	    "3:1: \"serivces\" is not known: did you mean \"services\"?\n");
	expect_errors("[services]\n",
	    "1:1: \"services\" must be a list of tables, not a table: write [[services]], in double brackets\n");
	expect_errors("services = \"x\"\n",
	    "1:12: \"services\" must be a list of tables, not a string: write [[services]], in double brackets\n");
	expect_errors("services = [ 1, {} ]\n",
	    "1:14: services[0] must be a table, not a number: write [[services]] and the keys beneath it\n"
	    "1:17: services[1]: key \"name\" is missing: write name = \"web\"\n"
	    "1:17: services[1]: key \"user\" is missing: write user = \"web\"\n"
	    "1:17: services[1]: key \"repository\" is missing: write repository = \"https://example.org/web.git\"\n");
}

static void
all_errors_come_at_once_in_the_order_of_the_file(void **state)
{
	(void)state;
	expect_errors("[[services]]\nrepository = \"a\"\nuser = 1\nname = \"A\"\nfoo = 1\n[[services]]\nname = "
		      "\"b\"\nuser = \"b\"\n"
		      "repository = \"/b\"\nenv = [ \"A=1\", \"x\", \"A=2\" ]\nbranch = \"-b\"\n[zap]\n",
	    "2:14: services[0]: key \"repository\" is a relative path: write an absolute one, or a URL\n"
	    "3:8: services[0]: key \"user\" must be a string, not a number: write user = \"web\"\n"
	    "4:8: services[0]: key \"name\" has upper case: compose takes lower case only, write it so\n"
	    "5:1: services[0]: key \"foo\" is not known\n"
	    "10:16: services[1] \"b\": key \"env[1]\" has no \"=\": write VAR=VALUE\n"
	    "10:21: services[1] \"b\": key \"env[2]\" sets A again, which line 10 has set: remove one\n"
	    "11:10: services[1] \"b\": key \"branch\" begins with \"-\": git allows no such branch\n"
	    "12:2: \"zap\" is not known: at the top of the file there is only [[services]], [proxy], [push], [[operators]]\n");
}

/* Where a deploy of every service would be judged by it, a mistake is told before one is. */
static void
what_says_how_much_is_told_with_its_range_and_an_example(void **state)
{
	(void)state;
	expect_errors(WEB "timeout = \"soon\"\nhealth_timeout = \"0s\"\nsettle = \"-1s\"\nkeep = 21\ncpus = nan\n"
			  "memory = \"1m\"\npids = 0\n",
	    "5:11: services[0] \"web\": key \"timeout\" is no duration such as \"90s\", \"10m\" or \"1h30m\": write "
	    "timeout = \"10m\"\n"
	    "6:18: services[0] \"web\": key \"health_timeout\" is not between 1s and 1h: write health_timeout = "
	    "\"2m\"\n"
	    "7:10: services[0] \"web\": key \"settle\" is no duration such as \"90s\", \"10m\" or \"1h30m\": write "
	    "settle = \"2s\"\n"
	    "8:8: services[0] \"web\": key \"keep\" is not between 1 and 20: write keep = 3\n"
	    "9:8: services[0] \"web\": key \"cpus\" is not between 0.01 and 1024: write cpus = 1.5\n"
	    "10:10: services[0] \"web\": key \"memory\" is not between 6m and 1t: write memory = \"512m\"\n"
	    "11:8: services[0] \"web\": key \"pids\" is not between 1 and 4194304: write pids = 200\n");
	expect_errors(WEB "timeout = \"1m\\u0000\"\nurls = { \"a\\u0000\" = \"web:1\" }\n",
	    "5:11: services[0] \"web\": key \"timeout\" has a NUL character: write timeout = \"10m\"\n"
	    "6:10: services[0] \"web\": key \"urls[0]\" has a NUL character: write it without\n");
}

static void
a_nul_in_a_value_is_refused(void **state)
{
	(void)state;
	expect_errors(WEB "branch = \"a\\u0000b\"\nenv = [ \"A=\\u0000\" ]\n",
	    "5:10: services[0] \"web\": key \"branch\" has a NUL character: write it without\n"
	    "6:9: services[0] \"web\": key \"env[0]\" has a NUL character: write it without\n");
}

static void
two_credentials_for_one_registry_are_one_too_many(void **state)
{
	(void)state;
	expect_errors(WEB
	    "registries = [ \"a@r\", \"b@r:5000\",\n\"u:c@r\", \"d@docker.io\", \"e@index.docker.io\" ]\n",
	    "6:1: services[0] \"web\": key \"registries[2]\" is for the same registry as the one on line 5: remove one\n"
	    "6:25: services[0] \"web\": key \"registries[4]\" is for the same registry as the one on line 6: remove one\n");
}

static void
no_secret_shows_in_any_error(void **state)
{
	static const char text[] = WEB
	    "env = [ \"hunter22\", \"PATH=hunter22\", \"A=hunter22\", \"A=hunter22\", \"9=hunter22\", "
	    "\"hunter22\\u0000\", [ \"hunter22\" ] ]\n"
	    "registries = [ \"hunter22@r\", \"hunter22:@r\", \"hunter22\", \"hunter22@R\", \"hunter22@r/hunter22\", "
	    "\"hunter@r\", \":hunter22@r\", \"hunter22@\", \"hunter22\\n@r\", 7 ]\nurls = { \"hunter22\" = 1 }\n"
	    "[[services]]\nrepository = \"https://u:hunter22@x@h/a\"\nenv = \"hunter22\"\nuser = { x = \"hunter22\" }\n"
	    "[[services]]\nrepository = \"ssh://u:hunter22@h/a\"\nenv = { HUNTER = \"hunter22\" }\nname = [ "
	    "\"hunter22\" ]\n"
	    "[[services]]\nrepository = [ \"https://u:hunter22@h/a\" ]\n";
	auto_free char *errors = errors_of(text, sizeof(text) - 1);

	(void)state;
	assert_non_null(strstr(errors, "PATH"));
	assert_null(strstr(errors, "hunter"));
	assert_null(strstr(errors, "HUNTER"));
}

static void
floods_are_cut_with_a_word(void **state)
{
	struct buf b = BUF_INIT(TOML_BYTES_MAX);
	auto_free char *errors = NULL;
	size_t lines = 0;

	(void)state;
	for (int i = 0; i <= CHECK_SERVICES_MAX; i++)
		buf_printf(&b, "[[services]]\nname = \"s%d\"\nuser = \"u\"\nrepository = \"/r\"\n", i);
	errors = errors_of(buf_str(&b), b.len);
	assert_string_equal(errors, "4001:1: services[1000]: more than 1000 services\n");
	buf_reset(&b);
	for (int i = 0; i <= PROBLEMS_MAX; i++)
		buf_printf(&b, "k%d = 1\n", i);
	free(TAKE(errors));
	errors = errors_of(buf_str(&b), b.len);
	for (const char *p = errors; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, PROBLEMS_MAX + 1);
	assert_non_null(strstr(errors, "1000:1: more problems follow"));
	buf_done(&b);
}

static void
too_many_variables_are_refused(void **state)
{
	struct buf b = BUF_INIT(TOML_BYTES_MAX);
	auto_free char *errors = NULL;

	(void)state;
	buf_str_add(&b, WEB "env = [");
	for (int i = 0; i <= STRV_MAX; i++)
		buf_printf(&b, "\"V%d=\",", i);
	buf_str_add(&b, "]\n");
	errors = errors_of(buf_str(&b), b.len);
	assert_string_equal(errors, "5:7: services[0] \"web\": key \"env\" has 4097 entries: 4096 are allowed\n");
	buf_done(&b);
}

static void
a_thousand_services_parse_again(void **state)
{
	struct buf b = BUF_INIT(TOML_BYTES_MAX);
	struct err err = ERR_INIT;
	json_t *doc = NULL;
	auto_free char *json = NULL;
	struct conf *c = NULL;

	(void)state;
	for (int i = 0; i < CHECK_SERVICES_MAX; i++)
		buf_printf(&b, "[[services]]\nname = \"s%d\"\nuser = \"u\"\nrepository = \"/r\"\n", i);
	doc = check_text(buf_str(&b), b.len);
	json = json_dumps(doc, 0);
	c = conf_parse(json, strlen(json), &err);
	assert_string_equal(err.msg, "");
	assert_int_equal(c->nservices, CHECK_SERVICES_MAX);
	assert_int_equal(conf_find(c, "s999")->line, 3997);
	conf_free(c);
	json_decref(doc);
	buf_done(&b);
}

static void
a_file_over_the_limit_is_one_error(void **state)
{
	json_t *doc = check_too_large();
	auto_free char *json = json_dumps(doc, JSON_COMPACT);

	(void)state;
	assert_string_equal(json, "{\"version\":1,\"errors\":[{\"line\":1,\"column\":1,\"message\":\"more than 1 MiB: "
				  "pgo.toml cannot be that large\"}],"
				  "\"services\":[],\"accounts\":[]}");
	json_decref(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_file_has_no_services_and_is_fine),
	    cmocka_unit_test(a_whole_service_comes_out_as_documented),
	    cmocka_unit_test(a_new_token_is_no_new_repository),
	    cmocka_unit_test(every_key_refuses_every_wrong_type_by_name),
	    cmocka_unit_test(every_list_refuses_every_wrong_entry_by_index),
	    cmocka_unit_test(every_needed_key_that_is_missing_is_named),
	    cmocka_unit_test(the_same_name_twice_names_both_lines),
	    cmocka_unit_test(the_same_key_in_another_case_is_there_twice),
	    cmocka_unit_test(unknown_keys_are_named_with_what_was_probably_meant),
	    cmocka_unit_test(only_services_may_stand_at_the_top),
	    cmocka_unit_test(all_errors_come_at_once_in_the_order_of_the_file),
	    cmocka_unit_test(what_says_how_much_is_told_with_its_range_and_an_example),
	    cmocka_unit_test(a_nul_in_a_value_is_refused),
	    cmocka_unit_test(two_credentials_for_one_registry_are_one_too_many),
	    cmocka_unit_test(no_secret_shows_in_any_error),
	    cmocka_unit_test(floods_are_cut_with_a_word),
	    cmocka_unit_test(too_many_variables_are_refused),
	    cmocka_unit_test(a_thousand_services_parse_again),
	    cmocka_unit_test(a_file_over_the_limit_is_one_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
