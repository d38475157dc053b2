/* Where a container sees a file of the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "compose/model.h"
#include "compose/mounts.h"

#define LIVE "/var/lib/pgo/proxy"
#define FILE_ LIVE "/caddy/import"

/* The path in the container of `caddy`, "-" when it sees none, with "!" before it when the file itself is mounted. */
static char *
path_in(const char *volumes)
{
	auto_free char *text = str_printf("{\"services\":{\"caddy\":{\"volumes\":%s}}}", volumes);
	struct err err = ERR_INIT;
	auto_json json_t *model = model_parse(text, strlen(text), &err);
	bool itself = false;
	auto_free char *path = model_path_in(model, "caddy", FILE_, &itself);

	assert_non_null(model);
	return str_printf("%s%s", itself ? "!" : "", path == NULL ? "-" : path);
}

#define BIND(source, target) "{\"type\":\"bind\",\"source\":\"" source "\",\"target\":\"" target "\"}"

static void
a_file_is_seen_through_the_mount_that_is_nearest_to_it(void **state)
{
	static const struct {
		const char *volumes, *want;
	} samples[] = {
	    {"[]", "-"},
	    {"null", "-"},
	    {"[7,{}]", "-"},
	    {"[" BIND(LIVE "/caddy", "/etc/caddy") "]", "/etc/caddy/import"},
	    {"[" BIND(LIVE, "/srv") "]", "/srv/caddy/import"},
	    {"[" BIND(LIVE "/caddy", "/etc/caddy") "," BIND(LIVE, "/srv") "]", "/etc/caddy/import"},
	    {"[" BIND(LIVE, "/srv") "," BIND(LIVE "/caddy", "/etc/caddy") "]", "/etc/caddy/import"},
	    {"[" BIND(FILE_, "/etc/caddy/x") "]", "!/etc/caddy/x"},
	    {"[" BIND(LIVE "/caddy2", "/etc/caddy") "]", "-"},
	    {"[" BIND("caddy", "/etc/caddy") "]", "-"},
	    {"[{\"type\":\"volume\",\"source\":\"" LIVE "\",\"target\":\"/x\"}]", "-"},
	    {"[{\"type\":\"bind\",\"source\":\"" LIVE "\"}]", "-"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_free char *got = path_in(samples[i].volumes);

		assert_string_equal(got, samples[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_seen_through_the_mount_that_is_nearest_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
