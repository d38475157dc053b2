/* A child to start and its output. */
#ifndef PGO_TEST_PROC_FIXTURE_H
#define PGO_TEST_PROC_FIXTURE_H

#include "fixture.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"

static char *const no_env[] = {NULL};

/* Starts the child, returns what it wrote to stdout. */
static inline const char *
output_of(struct proc_spec *spec)
{
	static char text[16384];
	auto_buf struct buf b = BUF_INIT(sizeof(text) - 1);
	struct err err = ERR_INIT;
	int fds[2], wstatus;
	pid_t pid = -1;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	spec->stdio[1] = fds[1];
	if (proc_spawn(spec, &pid, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	close(fds[1]);
	assert_int_equal(io_read_all(fds[0], &b, NULL), 0);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	assert_int_equal(wstatus, 0);
	memcpy(text, buf_str(&b), b.len + 1);
	return text;
}

static inline struct proc_spec
spec_of(char *const *argv)
{
	return (struct proc_spec){.path = argv[0], .argv = argv, .envp = no_env, .stdio = {-1, -1, -1}};
}

/* execve's argv has no const, though nobody writes there. */
union argv {
	const char *const *in;
	char *const *out;
};

#define ARGV(...) (((union argv){.in = (const char *const[]){__VA_ARGS__, NULL}}).out)

#endif
