#include "proc_fixture.h"

static void
credentials_are_those_of_the_account_and_no_more(void **state)
{
	static const gid_t groups[] = {3001, 3002};
	struct proc_spec spec =
	    spec_of(ARGV("/bin/grep", "-E", "^(Uid|Gid|Groups|Cap[A-Z][a-z]*|NoNewPrivs):", "/proc/self/status"));
	const char *text;

	(void)state;
	need_root();
	spec.set_creds = true;
	spec.uid = 4001;
	spec.gid = 4002;
	spec.groups = groups;
	spec.ngroups = 2;
	spec.no_new_privs = true;
	text = output_of(&spec);
	assert_non_null(strstr(text, "Uid:\t4001\t4001\t4001\t4001\n"));
	assert_non_null(strstr(text, "Gid:\t4002\t4002\t4002\t4002\n"));
	assert_non_null(strstr(text, "Groups:\t3001 3002 \n"));
	assert_non_null(
	    strstr(text, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"));
	assert_non_null(strstr(text, "CapAmb:\t0000000000000000\n"));
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
}

static void
no_groups_means_none(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/grep", "^Groups:", "/proc/self/status"));

	(void)state;
	need_root();
	spec.set_creds = true;
	spec.uid = 4001;
	spec.gid = 4002;
	assert_string_equal(output_of(&spec), "Groups:\t \n");
}

static int
creds_as_nobody(const void *arg)
{
	struct proc_spec spec = spec_of(ARGV("/bin/true"));
	struct err err = ERR_INIT;
	pid_t pid;

	(void)arg;
	spec.set_creds = true;
	spec.uid = 4001;
	spec.gid = 4002;
	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 10;
	if (proc_spawn(&spec, &pid, NULL, &err) != -EPERM)
		return 11;
	return strcmp(err.msg, "cannot set the groups: Operation not permitted") == 0 ? 0 : 12;
}

static void
a_child_that_cannot_become_the_account_does_not_run(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(in_child(creds_as_nobody, NULL), 0);
}

static void
the_directory_is_entered_as_the_account(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/true"));
	char dir[] = "/tmp/pgo-test-proc-XXXXXX";
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	need_root();
	assert_non_null(mkdtemp(dir)); /* 0700, root's */
	spec.set_creds = true;
	spec.uid = 4001;
	spec.gid = 4002;
	spec.cwd = dir;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EACCES);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(credentials_are_those_of_the_account_and_no_more),
	    cmocka_unit_test(no_groups_means_none),
	    cmocka_unit_test(a_child_that_cannot_become_the_account_does_not_run),
	    cmocka_unit_test(the_directory_is_entered_as_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
