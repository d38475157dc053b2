#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "base/auto.h"
#include "base/io.h"
#include "engine/ps.h"
#include "engine/ps_cell.h"

/* The fixtures are an engine's list and what compose 2.26.1 printed of it at that moment. */
static char *
fixture(const char *name)
{
	struct buf b = BUF_INIT(1 << 20);
	auto_free char *path = str_printf("%s/%s", FIXTURES, name);

	assert_int_equal(io_read_file(AT_FDCWD, path, &b, NULL), 0);
	return buf_take(&b);
}

static struct strv
words(const char *line)
{
	struct strv sv = {NULL, 0};
	auto_free char *copy = str_dup(line);
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		assert_true(strv_add(&sv, w));
	return sv;
}

/* What `ps LINE` prints of the recorded list; the caller frees. */
static char *
ps(const char *line, const char *(*image_name)(void *, const char *))
{
	auto_free char *text = fixture("shop.json");
	auto_strv struct strv args = words(line);
	auto_ps_options struct ps_options opt = PS_OPTIONS_INIT;
	json_t *doc = json_loads(text, 0, NULL);
	struct buf out = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;
	struct ps_input in = {.list = json_object_get(doc, "list"),
	    .project = "shop",
	    .now = json_integer_value(json_object_get(doc, "now")),
	    .image_name = image_name};

	assert_int_equal(ps_options_parse(&args, &opt, &err), 0);
	assert_int_equal(ps_render(&in, &opt, &out, &err), 0);
	json_decref(doc);
	return buf_take(&out);
}

static void
ps_is_file(const char *line, const char *file)
{
	auto_free char *got = ps(line, NULL);
	auto_free char *want = fixture(file);

	assert_string_equal(got, want);
}

static void
ps_is(const char *line, const char *want)
{
	auto_free char *got = ps(line, NULL);

	assert_string_equal(got, want);
}

static void
the_table_is_composes_to_the_byte(void **state)
{
	(void)state;
	ps_is_file("", "ps.txt");
	ps_is_file("-a", "ps-a.txt");
	ps_is_file("--all=true --orphans --format table", "ps-a.txt");
	ps_is_file("--no-trunc", "ps-no-trunc.txt");
}

static void
services_and_statuses_choose_the_rows(void **state)
{
	static const char empty[] = "NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS\n";

	(void)state;
	ps_is("nosuch", empty);
	ps_is("job", empty);
	ps_is("-a job",
	    "NAME         IMAGE        COMMAND            SERVICE   CREATED         STATUS                     PORTS\n"
	    "shop-job-1   eng-test:1   \"sh -c 'exit 3'\"   job       6 seconds ago   Exited (3) 4 seconds ago   \n");
	ps_is("--status exited --services", "job\n");
	ps_is("--filter status=paused --services", "worker\n");
	ps_is("--status=exited --status=paused --services", "job\nworker\n");
	ps_is("--services", "web\nworker\n");
	ps_is("--services nosuch", "\n");
	ps_is("-q web", "0ce004d00510f17ad922c6e015fd3c868943e9799d4429405baf2d8eb154c63f\n");
	ps_is("-aq job -- web", "6530c60595b6d65f1787f80f033a3023d3256e52e31264f996fef783ed207be4\n"
				"0ce004d00510f17ad922c6e015fd3c868943e9799d4429405baf2d8eb154c63f\n");
}

/* Turns a comma-separated member whose order Go leaves to chance into one that can be compared. */
static void
make_set(json_t *o, const char *key)
{
	auto_free char *s = str_dup(json_string_value(json_object_get(o, key)));
	json_t *set = json_object();
	char *save = NULL;

	for (char *w = strtok_r(s, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
		json_object_set_new(set, w, json_true());
	json_object_set_new(o, key, set);
}

static void
set_publishers(json_t *o)
{
	json_t *list = json_object_get(o, "Publishers");
	json_t *set = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		auto_free char *p = json_dumps(json_array_get(list, i), JSON_SORT_KEYS);

		json_object_set_new(set, p, json_true());
	}
	json_object_set_new(o, "Publishers", set);
}

static void
json_lines_say_what_composes_say(void **state)
{
	auto_free char *got = ps("-a --format json", NULL);
	auto_free char *want = fixture("ps-a-json.txt");
	static const char *const sets[] = {"Labels", "Networks", "Mounts"};
	char *save[2] = {NULL, NULL};
	char *g = strtok_r(got, "\n", &save[0]);
	char *w = strtok_r(want, "\n", &save[1]);
	int lines = 0;

	(void)state;
	for (; w != NULL; g = strtok_r(NULL, "\n", &save[0]), w = strtok_r(NULL, "\n", &save[1])) {
		json_t *a = json_loads(g, 0, NULL);
		json_t *b = json_loads(w, 0, NULL);

		assert_non_null(a);
		assert_non_null(b);
		for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
			make_set(a, sets[i]);
			make_set(b, sets[i]);
		}
		set_publishers(a);
		set_publishers(b);
		assert_true(json_equal(a, b));
		json_decref(a);
		json_decref(b);
		lines++;
	}
	assert_null(g);
	assert_int_equal(lines, 5);
}

static const char *
written_name(void *ctx, const char *service)
{
	(void)ctx;
	return strcmp(service, "web") == 0 ? "example.org/web:2" : NULL;
}

static void
the_written_name_of_an_image_takes_the_place_of_its_id(void **state)
{
	auto_free char *got = ps("", written_name);

	(void)state;
	assert_non_null(strstr(got, "shop-web-1      example.org/web:2   \""));
	assert_non_null(strstr(got, "shop-worker-1   eng-test:1          \""));
}

static void
options_that_are_not_supported_are_named(void **state)
{
	static const struct {
		const char *line;
		const char *what;
	} bad[] = {{"-x", "-x"}, {"-ax", "-x"}, {"--bogus", "--bogus"}, {"--format", "needs a value"},
	    {"--format yaml", "table and json"}, {"--status up", "no such status: up"},
	    {"--filter name=x", "status=STATUS"}, {"--all=maybe", "true or false"},
	    {"--orphans=false", "--orphans=false"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_strv struct strv args = words(bad[i].line);
		struct ps_options opt = PS_OPTIONS_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(ps_options_parse(&args, &opt, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i].what));
		assert_int_equal(opt.names.n, 0);
	}
}

static void
hostile_text_cannot_steer_the_terminal(void **state)
{
	json_t *list = json_pack("[{s:s, s:[s], s:s, s:s, s:s, s:s, s:i, s:{s:s}}]", "Id",
	    "0ce004d00510f17ad922c6e015fd3c868943e9799d4429405baf2d8eb154c63f", "Names", "/a\x1b[2J\nb", "Image",
	    "i\tm\xc2\x9b", "Command", "x\x1b]0;t\x07\n\"", "State", "running", "Status", "Up \r\x1b[1m", "Created", 0,
	    "Labels", "com.docker.compose.service", "s\x1b[31m\nv");
	static const char *const lines[] = {"", "--services", "--format json"};

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		auto_strv struct strv args = words(lines[i]);
		auto_ps_options struct ps_options opt = PS_OPTIONS_INIT;
		auto_buf struct buf out = BUF_INIT(1 << 16);
		struct ps_input in = {.list = list, .project = "p", .now = 10};
		size_t newlines = 0;

		assert_int_equal(ps_options_parse(&args, &opt, NULL), 0);
		assert_int_equal(ps_render(&in, &opt, &out, NULL), 0);
		for (size_t j = 0; j < out.len; j++) {
			newlines += out.data[j] == '\n';
			assert_true(out.data[j] == '\n' || (unsigned char)out.data[j] >= ' ');
			assert_true(out.data[j] != 0x7f && (unsigned char)out.data[j] != 0x9b);
		}
		assert_int_equal(newlines, i == 0 ? 2 : 1);
	}
	json_decref(list);
}

static void
what_is_no_list_is_an_error(void **state)
{
	json_t *o = json_object();
	struct ps_options opt = PS_OPTIONS_INIT;
	struct buf out = BUF_INIT(100);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(ps_render(&(struct ps_input){.list = o}, &opt, &out, &err), -EPROTO);
	assert_int_equal(ps_render(&(struct ps_input){.list = NULL}, &opt, &out, &err), -EPROTO);
	json_decref(o);
}

static void
ages_are_worded_as_docker_words_them(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} ages[] = {{-5, "Less than a second ago"}, {0, "Less than a second ago"}, {1, "1 second ago"},
	    {59, "59 seconds ago"}, {60, "About a minute ago"}, {119, "About a minute ago"}, {120, "2 minutes ago"},
	    {3599, "59 minutes ago"}, {3600, "About an hour ago"}, {5399, "About an hour ago"}, {5400, "2 hours ago"},
	    {47 * 3600, "47 hours ago"}, {48 * 3600, "2 days ago"}, {13 * 86400, "13 days ago"},
	    {14 * 86400, "2 weeks ago"}, {59 * 86400, "8 weeks ago"}, {60 * 86400, "2 months ago"},
	    {729 * 86400LL, "24 months ago"}, {730 * 86400LL, "2 years ago"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
		auto_buf struct buf b = BUF_INIT(100);

		ps_cell_age(&b, ages[i].seconds);
		assert_string_equal(buf_str(&b), ages[i].text);
	}
}

static void
ports_are_(const char *json, const char *want)
{
	json_t *list = json_loads(json, 0, NULL);
	struct ps_ports ports = ps_ports_read(list);
	auto_buf struct buf b = BUF_INIT(1000);

	ps_cell_ports(&b, &ports);
	assert_string_equal(buf_str(&b), want);
	free(ports.v);
	json_decref(list);
}

static void
neighbouring_ports_are_merged(void **state)
{
	(void)state;
	ports_are_("[]", "");
	ports_are_("[{\"PrivatePort\":80,\"Type\":\"tcp\"}]", "80/tcp");
	ports_are_("[{\"PrivatePort\":81,\"Type\":\"tcp\"},{\"PrivatePort\":80,\"Type\":\"tcp\"},{\"PrivatePort\":80,"
		   "\"Type\":\"udp\"}]",
	    "80-81/tcp, 80/udp");
	ports_are_("[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":32771,\"Type\":\"tcp\"},{\"PrivatePort\":"
		   "443,\"Type\":\"tcp\"}]",
	    "443/tcp, 0.0.0.0:32771->80/tcp");
	ports_are_("[{\"PrivatePort\":-1,\"Type\":\"tcp\"},{\"PrivatePort\":\"x\"},7]", "0/, 0/, 0/tcp");
}

static void
commands_are_quoted_and_cut(void **state)
{
	static const struct {
		const char *command;
		bool trunc;
		const char *cell;
	} commands[] = {{"", true, "\"\""}, {"12345678901234567890", true, "\"12345678901234567890\""},
	    {"123456789012345678901", true, "\"1234567890123456789…\""},
	    {"123456789012345678901", false, "\"123456789012345678901\""},
	    {"ääääääääääääääääääää", true, "\"ääääääääääääääääääää\""},
	    {"äääääääääääääääääääää", true, "\"äääääääääääääääääää…\""},
	    {"a\"\\\n\t\a", true, "\"a\\\"\\\\\\n\\t\\a\""}, {"\x1b[m", true, "\"\\x1b[m\""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		auto_buf struct buf b = BUF_INIT(1000);

		ps_cell_command(&b, commands[i].command, commands[i].trunc);
		assert_string_equal(buf_str(&b), commands[i].cell);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_table_is_composes_to_the_byte),
	    cmocka_unit_test(services_and_statuses_choose_the_rows),
	    cmocka_unit_test(json_lines_say_what_composes_say),
	    cmocka_unit_test(the_written_name_of_an_image_takes_the_place_of_its_id),
	    cmocka_unit_test(options_that_are_not_supported_are_named),
	    cmocka_unit_test(hostile_text_cannot_steer_the_terminal),
	    cmocka_unit_test(what_is_no_list_is_an_error),
	    cmocka_unit_test(ages_are_worded_as_docker_words_them),
	    cmocka_unit_test(neighbouring_ports_are_merged),
	    cmocka_unit_test(commands_are_quoted_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
