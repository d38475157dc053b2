/* What of an operation's arguments is passed on to compose, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/op.h"

static const struct op_option options[] = {
    {"-f --follow", false, NULL},
    {"-n --tail", true, NULL},
    {"-t --timestamps", false, NULL},
    {"--privileged", false, "it is dangerous"},
    {"-u --user", true, "it is dangerous too"},
    {NULL, false, NULL},
};
static const struct op logs = {.name = "logs", .usage = "...", .options = options, .operands_max = -1};
static const struct op exec = {
    .name = "exec", .usage = "SERVICE COMMAND", .options = options, .operands_max = 1, .command = true};
static const struct op load = {.name = "load", .usage = "", .operands_max = 0};

static const struct op keys = {
    .name = "keys", .usage = "allow NAME APP", .options = options, .operands_max = 3, .words = true};

/* The tables that are used. */
static const struct op real_exec = {
    .name = "exec", .usage = "SERVICE COMMAND", .options = op_exec_options, .operands_max = 1, .command = true};
static const struct op real_up = {.name = "up", .usage = "...", .options = op_up_options, .operands_max = -1};
static const struct op real_down = {.name = "down", .usage = "...", .options = op_down_options};
static const struct op real_logs = {.name = "logs", .usage = "...", .options = op_logs_options, .operands_max = -1};

struct row {
	const struct op *op;
	const char *in;	  /* words separated by | */
	const char *out;  /* likewise; NULL: refused */
	const char *says; /* part of the sentence */
};

static const struct row rows[] = {
    {&logs, "", "", NULL},
    {&logs, "-f", "-f", NULL},
    {&logs, "-ft|web", "-f|-t|web", NULL},
    {&logs, "web|-n|5", "--tail=5|web", NULL},
    {&logs, "-n5|web|db", "--tail=5|web|db", NULL},
    {&logs, "-n=5", "--tail=5", NULL},
    {&logs, "-fn|5", "-f|--tail=5", NULL},
    {&logs, "--tail|5", "--tail=5", NULL},
    {&logs, "--tail=5|--follow=true", "--tail=5|--follow", NULL},
    {&logs, "--|web", "web", NULL},
    {&logs, "--|--privileged", NULL, "not the name of a compose service"},
    {&logs, "--tail", NULL, "needs a value"},
    {&logs, "-n", NULL, "needs a value"},
    {&logs, "--follow=x", NULL, "takes no value"},
    {&logs, "--foll", NULL, "not supported"},
    {&logs, "-x", NULL, "not supported"},
    {&logs, "--privileged", NULL, "dangerous"},
    {&keys, "allow|tess@laptop|*", "allow|tess@laptop|*", NULL},
    {&keys, "-f|we b", "-f|we b", NULL},
    {&keys, "a|b|c|d", NULL, "too many"},
    {&keys, "--|-f", NULL, "is no name"},
    {&keys, "", "", NULL},
    {&logs, "we b", NULL, "not the name"},
    {&logs, "-", NULL, "not the name"},
    {&logs, "../x", NULL, "not the name"},
    {&exec, "web|sh|-c|a b; rm -u --privileged", "web|sh|-c|a b; rm -u --privileged", NULL},
    {&exec, "web|id|--privileged|-u|0", "web|id|--privileged|-u|0", NULL},
    {&exec, "--privileged|web|id", NULL, "dangerous"},
    {&exec, "-u|0|web|id", NULL, "dangerous too"},
    {&exec, "-u0|web|id", NULL, "dangerous too"},
    {&exec, "--user=0|web|id", NULL, "dangerous too"},
    {&exec, "-fu|0|web|id", NULL, "dangerous too"},
    {&exec, "web", NULL, "which command"},
    {&exec, "", NULL, "which compose service"},
    {&exec, "--|web|--privileged", "web|--privileged", NULL},
    {&load, "", "", NULL},
    {&load, "x", NULL, "too many"},
    {&load, "-v", NULL, "not supported"},
    /* what would give a command more than its container has, in every spelling */
    {&real_exec, "--privileged|web|id", NULL, "root on the server"},
    {&real_exec, "--privileged=true|web|id", NULL, "root on the server"},
    {&real_exec, "--privileged=false|web|id", NULL, "root on the server"},
    {&real_exec, "--priv|web|id", NULL, "not supported"},
    {&real_exec, "--Privileged|web|id", NULL, "not supported"},
    {&real_exec, "-privileged|web|id", NULL, "not supported"},
    {&real_exec, "-u|root|web|id", NULL, "image's own user"},
    {&real_exec, "-u0|web|id", NULL, "image's own user"},
    {&real_exec, "-u=0|web|id", NULL, "image's own user"},
    {&real_exec, "--user|0|web|id", NULL, "image's own user"},
    {&real_exec, "--user=0|web|id", NULL, "image's own user"},
    {&real_exec, "--us=0|web|id", NULL, "not supported"},
    {&real_exec, "-Tu|root|web|id", NULL, "image's own user"},
    {&real_exec, "-Tuiroot|web|id", NULL, "image's own user"},
    {&real_exec, "-dTiu0|web|id", NULL, "image's own user"},
    {&real_exec, "-e|A=b|-u0|web|id", NULL, "image's own user"},
    {&real_exec, "-e|-u0|web|id", "--env=-u0|web|id", NULL},
    {&real_exec, "-w-u0|web|id", "--workdir=-u0|web|id", NULL},
    {&real_exec, "--env|--privileged|web|id", "--env=--privileged|web|id", NULL},
    {&real_exec, "web|--privileged|-u|0", "web|--privileged|-u|0", NULL},
    {&real_exec, "--|-u0|id", NULL, "not the name"},
    {&real_exec, "--|--privileged|id", NULL, "not the name"},
    {&real_exec, "--env-file=/etc/shadow|web|id", NULL, "not supported"},
    {&real_up, "-d|--remove-orphans|--wait|--quiet-pull|web", "-d|--remove-orphans|--wait|--quiet-pull|web", NULL},
    {&real_up, "web|--scale|web=9", NULL, "how many"},
    {&real_up, "--force-recreate", NULL, "`restart`"},
    {&real_up, "-V", NULL, "pgo deletes none"},
    {&real_up, "-dV", NULL, "pgo deletes none"},
    {&real_up, "-t5", NULL, "stop_grace_period"},
    {&real_up, "--file=/etc/passwd", NULL, "not supported"},
    {&real_down, "-v", NULL, "volumes hold data"},
    {&real_down, "-t1v", "--timeout=1v", NULL},
    {&real_down, "--volumes=true", NULL, "volumes hold data"},
    {&real_down, "--rmi|all", NULL, "go back"},
    {&real_down, "--rmi=local", NULL, "go back"},
    {&real_down, "--|-v", NULL, "not the name"},
    {&real_logs, "--tail=all|--since|10m|-tf|web", "--tail=all|--since=10m|-t|-f|web", NULL},
};

static void
split(const char *s, struct strv *ret)
{
	while (*s != '\0') {
		size_t len = strcspn(s, "|");

		strv_add_take(ret, str_printf("%.*s", (int)len, s));
		s += len + (s[len] == '|' ? 1 : 0);
	}
}

static void
only_what_the_table_knows_is_passed_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv in = {NULL, 0};
		auto_strv struct strv want = {NULL, 0};
		auto_strv struct strv got = {NULL, 0};
		struct err err = ERR_INIT;
		int rc;

		split(rows[i].in, &in);
		rc = op_args(rows[i].op, &in, &got, &err);
		if (rows[i].out == NULL) {
			assert_true(rc < 0);
			if (strstr(err.msg, rows[i].says) == NULL)
				fail_msg("%s: %s", rows[i].in, err.msg);
			continue;
		}
		if (rc < 0)
			fail_msg("%s: %s", rows[i].in, err.msg);
		split(rows[i].out, &want);
		assert_int_equal(got.n, want.n);
		for (size_t j = 0; j < want.n; j++)
			assert_string_equal(got.v[j], want.v[j]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_the_table_knows_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
