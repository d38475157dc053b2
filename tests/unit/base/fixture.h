/* What several tests of base and ipc need: cmocka in its order, root, a child to do something irrevocable in. */
#ifndef PGO_TEST_FIXTURE_H
#define PGO_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Skips without root; in CI a skip is a failure. */
static inline void
need_root(void)
{
	if (geteuid() == 0)
		return;
	if (getenv("PGO_TEST_STRICT") != NULL)
		fail_msg("this test needs root");
	skip();
}

/* Open descriptors of this process. */
static inline int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 3; /* ".", "..", the directory itself */
}

/* Runs fn in a child and returns its wait status; fn's value is the exit status. */
static inline int
in_child(int (*fn)(const void *arg), const void *arg)
{
	pid_t pid = fork();
	int wstatus = 0;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(arg));
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	return wstatus;
}

#endif
