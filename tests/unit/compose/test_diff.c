/* What differs between two pieces of a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "compose/diff.h"
#include "compose/model.h"

static json_t *
parse(const char *text)
{
	json_error_t where;
	json_t *value = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, &where);

	if (text != NULL && value == NULL)
		fail_msg("%s: %s", text, where.text);
	return value;
}

/* "path: was -> is" a line. */
static char *
difference(const char *path, const char *was, const char *is)
{
	auto_json json_t *a = parse(was);
	auto_json json_t *b = parse(is);
	auto_changes struct changes cs = {0};
	auto_buf struct buf out = BUF_INIT(1024 * 1024);

	diff_json(path, a, b, &cs);
	for (size_t i = 0; i < cs.n; i++)
		buf_printf(&out, "%s: %s -> %s\n", cs.v[i].path, cs.v[i].was != NULL ? cs.v[i].was : "-",
		    cs.v[i].is != NULL ? cs.v[i].is : "-");
	if (cs.more > 0)
		buf_printf(&out, "%zu more\n", cs.more);
	return buf_take(&out);
}

static void
a_difference_is_told_wrongly(void **state)
{
	static const struct {
		const char *path, *was, *is, *told;
	} rows[] = {
	    {"", "{\"user\":\"1\"}", "{\"user\":\"1\"}", ""},
	    {"", "{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}", ""},
	    {"", "{\"user\":\"1\"}", "{\"user\":\"2\"}", "user: 1 -> 2\n"},
	    {"", "{}", "{\"user\":\"2\"}", "user: - -> 2\n"},
	    {"", "{\"user\":\"2\"}", "{}", "user: 2 -> -\n"},
	    {"", "{\"read_only\":true}", "{\"read_only\":false}", "read_only: true -> false\n"},
	    {"", "{\"b\":1,\"a\":1}", "{\"b\":2,\"a\":2}", "a: 1 -> 2\nb: 1 -> 2\n"},
	    {"", "{\"healthcheck\":{\"interval\":\"1s\",\"retries\":3}}",
		"{\"healthcheck\":{\"interval\":\"2s\",\"retries\":3}}", "healthcheck.interval: 1s -> 2s\n"},
	    {"", "{\"command\":[\"a\",\"b\"]}", "{\"command\":[\"a\",\"c\"]}",
		"command: [\"a\",\"b\"] -> [\"a\",\"c\"]\n"},
	    {"", "{\"networks\":{\"default\":null}}", "{\"networks\":{\"default\":null,\"front\":null}}",
		"networks.front: - -> default\n"},
	    /* one more in front moves none */
	    {"", "{\"volumes\":[{\"type\":\"bind\",\"source\":\"/l/a\",\"target\":\"/a\"}]}",
		"{\"volumes\":[{\"type\":\"volume\",\"source\":\"b\",\"target\":\"/b\",\"read_only\":true},"
		"{\"type\":\"bind\",\"source\":\"/l/c\",\"target\":\"/a\"}]}",
		"volumes[/a].source: /l/a -> /l/c\nvolumes[/b]: - -> b:/b:ro\n"},
	    {"", "{\"ports\":[{\"target\":80,\"published\":\"5005\",\"protocol\":\"tcp\"}]}",
		"{\"ports\":[{\"target\":80,\"published\":\"5005\",\"protocol\":\"udp\"}]}",
		"ports[80/tcp]: 5005:80/tcp -> -\nports[80/udp]: - -> 5005:80/udp\n"},
	    {"",
		"{\"ports\":[{\"target\":80,\"published\":\"1\",\"protocol\":\"tcp\"},"
		"{\"target\":80,\"published\":\"2\",\"protocol\":\"tcp\"}]}",
		"{\"ports\":[{\"target\":80,\"published\":\"1\",\"protocol\":\"tcp\"},"
		"{\"target\":80,\"published\":\"3\",\"protocol\":\"tcp\"}]}",
		"ports[80/tcp].published: 2 -> 3\n"},
	    {"", "{\"post_start\":[{\"command\":[\"a\"]}]}", "{\"post_start\":[{\"command\":[\"b\"]}]}",
		"post_start[0].command: [\"a\"] -> [\"b\"]\n"},
	    {"", "{\"a\":\"x\"}", "{\"a\":{\"b\":1}}", "a: x -> -\na.b: - -> 1\n"},
	    {"", "{\"a\":[{\"b\":1}]}", "{\"a\":{\"b\":1}}", "a[0].b: 1 -> -\na.b: - -> 1\n"},
	    {"", "{\"working_dir\":\"a$$b\"}", "{\"working_dir\":\"c\"}", "working_dir: a$b -> c\n"},
	    {"networks.front", "{\"internal\":true}", "{\"internal\":false}",
		"networks.front.internal: true -> false\n"},
	    {"", "{\"dns\":[]}", "{\"dns\":[\"1.1.1.1\"]}", "dns: [] -> [\"1.1.1.1\"]\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *told = difference(rows[i].path, rows[i].was, rows[i].is);

		assert_string_equal(told, rows[i].told);
	}
}

static void
a_secret_is_shown(void **state)
{
	static const char *const rows[][2] = {
	    {"{\"environment\":{\"A\":\"canary\"}}", "{\"environment\":{\"A\":\"x\",\"B\":\"canary\",\"C\":null}}"},
	    {"{\"environment\":[\"A=canary\"]}", "{\"environment\":{\"A\":{\"x\":\"canary\"}}}"},
	    {"{\"environment\":\"canary\"}", "{\"environment\":[{\"target\":\"canary\",\"source\":\"canary\"}]}"},
	    {"{\"build\":{\"args\":{\"A\":\"canary\"}}}", "{\"build\":{\"args\":{\"A\":\"y\"}}}"},
	    {"{\"build\":{\"dockerfile_inline\":\"ENV A=canary\"}}", "{}"},
	    {"{\"configs\":{\"a\":{\"content\":\"canary\"}}}", "{\"configs\":{\"a\":{\"content\":\"z\"}}}"},
	    {"{\"secrets\":{\"a\":{\"content\":\"canary\"}}}", "{}"},
	    {"{\"x-env\":{\"A\":\"canary\"}}", "{\"x-env\":[\"canary\"]}"},
	    {"{\"logging\":{\"options\":{\"splunk-token\":\"canary\"}}}", "{}"},
	    {"{\"driver_opts\":{\"o\":\"username=a,password=canary\"}}", "{}"},
	    {"{\"post_start\":[{\"environment\":{\"A\":\"canary\"}}]}", "{\"post_start\":[]}"},
	    {"{\"command\":[\"redis\",\"--requirepass\",\"canary\"]}", "{\"command\":[\"redis\"]}"},
	    {"{\"command\":[\"redis\"]}", "{\"command\":[\"mysql\",\"-pcanary\"]}"},
	    {"{\"command\":\"mysql -uroot -pcanary\"}", "{}"},
	    {"{\"entrypoint\":[\"PGPASSWORD=canary\",\"x\"]}", "{}"},
	    {"{\"healthcheck\":{\"test\":[\"CMD\",\"curl\",\"http://u:canary@h/\"]}}", "{}"},
	    {"{\"labels\":{\"traefik.basicauth.users\":\"a:canary\"}}", "{}"},
	    {"{\"labels\":{\"a\":\"token=canary\"}}", "{\"labels\":{\"a\":\"x\"}}"},
	    {"{\"annotations\":{\"db.password\":\"canary\"}}", "{}"},
	    {"{\"working_dir\":\"https://user:canary@host/x\"}", "{}"},
	    {"{\"working_dir\":\"https://user:can/canary@host/x\"}", "{}"},
	    {"{\"cache_from\":[\"a\",\"https://user:canary@host/x\"]}", "{}"},
	    {"{\"volumes\":[{\"type\":\"volume\",\"source\":\"nfs://u:canary@h/\",\"target\":\"/a\"}]}", "{}"},
	    {"{\"volumes\":[{\"target\":\"nfs://u:canary@h/\"}]}", "{\"extra_hosts\":{\"x://u:canary@h\":1}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *there = difference("", rows[i][0], rows[i][1]);
		auto_free char *back = difference("", rows[i][1], rows[i][0]);

		assert_true(there[0] != '\0');
		if (strstr(there, "canary") != NULL || strstr(back, "canary") != NULL)
			fail_msg("%s\n%s", there, back);
	}
}

static void
a_command_without_a_secret_is_hidden(void **state)
{
	static const char *const harmless[] = {"sleep 1000", "[\"nginx\",\"-g\",\"daemon off;\"]", "httpd -p 8080",
	    "run --port 80 --parallel", "curl http://localhost:8080/health"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		if (diff_looks_secret(harmless[i]))
			fail_msg("%s", harmless[i]);
	}
}

static void
a_hostile_text_moves_the_terminal(void **state)
{
	auto_free char *long_text = malloc(5000);
	auto_free char *model = NULL;
	auto_free char *told = NULL;

	(void)state;
	memset(long_text, 'a', 4999);
	long_text[4999] = '\0';
	model = str_printf("{\"us\\u001b[2Jer\\n\":\"a\\u001b[31m\\nb\\u202e\",\"%s\":\"%s\"}", long_text, long_text);
	told = difference("", "{}", model);
	for (const char *p = told; *p != '\0'; p++)
		assert_true((unsigned char)*p >= ' ' || *p == '\n');
	assert_null(strstr(told, "\xe2\x80\xae"));
	assert_true(strlen(told) < 1000);
	assert_non_null(strstr(told, "…"));
}

static json_t *
many(const char *key, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		auto_free char *value = str_printf("%zu", i);

		json_array_append_new(list, json_pack("{s{ss}}", key, "A", value));
	}
	return json_pack("{so}", "hooks", list);
}

static void
a_long_list_is_told_without_end(void **state)
{
	auto_json json_t *a = many("environment", 2000);
	auto_json json_t *b = many("environment", 1999);
	auto_json json_t *c = many("user", 100);
	auto_changes struct changes long_list = {0};
	auto_changes struct changes cs = {0};

	(void)state;
	diff_json("", a, b, &long_list);
	assert_int_equal(long_list.n, 1);
	assert_true(long_list.v[0].hidden);
	diff_json("", NULL, c, &cs);
	assert_int_equal(cs.n, DIFF_CHANGES_MAX);
	assert_int_equal(cs.more, 100 - DIFF_CHANGES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_difference_is_told_wrongly),
	    cmocka_unit_test(a_secret_is_shown),
	    cmocka_unit_test(a_command_without_a_secret_is_hidden),
	    cmocka_unit_test(a_hostile_text_moves_the_terminal),
	    cmocka_unit_test(a_long_list_is_told_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
