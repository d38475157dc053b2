#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/str.h"

const char *
front_path(const struct front *f, const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *p = paths[next++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", f->dir, name);
	return p;
}

static void
make_key(const struct front *f, const char *name)
{
	struct buf text = BUF_INIT(16 * 1024);
	int fd;

	assert_int_equal(child_run(f, (const char *const[]){PGOD_SSH, "--make-key", NULL}, NULL, NULL, &text, NULL), 0);
	fd = open(front_path(f, name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text.data, text.len, NULL), 0);
	close(fd);
	buf_done(&text);
}

void
front_start(struct front *f, const char *program)
{
	struct child c;

	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/pgo-ssh-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	make_key(f, "hostkey");
	make_key(f, "id_a");
	make_key(f, "id_b");
	child_start(&c, f, (const char *const[]){SSH_FRONT, program, front_path(f, "hostkey"), NULL}, NULL);
	f->pid = c.pid;
	f->in = c.in;
	f->out = fdopen(c.out, "r");
	setvbuf(f->out, NULL, _IONBF, 0); /* so that poll sees what is still to be read */
	close(c.err);
	f->port = atoi(front_wait(f, "port") + 5);
}

void
front_stop(struct front *f)
{
	int status;

	close(f->in);
	waitpid(f->pid, &status, 0);
	fclose(f->out);
	assert_int_equal(child_run(f, (const char *const[]){"rm", "-rf", f->dir, NULL}, NULL, NULL, NULL, NULL), 0);
}

/* One line within the deadline; false at a time-out or the end. */
static bool
read_line(struct front *f, long long until)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = {fileno(f->out), POLLIN, 0};
		long long left = until - io_now_ms();
		int ch;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0 || (ch = fgetc(f->out)) == EOF)
			return false;
		if (ch == '\n')
			break;
		if (len + 1 < sizeof(f->line))
			f->line[len++] = (char)ch;
	}
	f->line[len] = '\0';
	return true;
}

const char *
front_wait(struct front *f, const char *word)
{
	long long until = io_now_ms() + WAIT_MS;
	size_t len = strlen(word);

	while (read_line(f, until)) {
		if (strncmp(f->line, word, len) == 0 && (f->line[len] == ' ' || f->line[len] == '\0'))
			return f->line;
	}
	fail_msg("waited in vain for '%s'", word);
	return NULL;
}

int
front_end(struct front *f, long *ret_kb)
{
	int pid, status;
	long kb;

	assert_int_equal(sscanf(front_wait(f, "end"), "end %d %d %ld", &pid, &status, &kb), 3);
	if (ret_kb != NULL)
		*ret_kb = kb;
	return status;
}

static void
exec_child(const struct front *f, const char *const *argv, const char *const *env, int in, int out, int err)
{
	char *envp[16];
	size_t n = 0;

	envp[n++] = str_dup("PATH=/usr/bin:/bin:/usr/sbin:/sbin");
	envp[n++] = str_printf("HOME=%s", f->dir);
	for (; env != NULL && *env != NULL && n < 15; env++)
		envp[n++] = str_dup(*env);
	envp[n] = NULL;
	setsid(); /* no terminal: what would ask must say so */
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	execvpe(argv[0], (char *const *)argv, envp);
	_exit(127);
}

void
child_start(struct child *c, const struct front *f, const char *const *argv, const char *const *env)
{
	int in[2], out[2], err[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		exec_child(f, argv, env, in[0], out[1], err[1]);
	}
	close(in[0]), close(out[1]), close(err[1]);
	c->in = in[1], c->out = out[0], c->err = err[0];
}

static void
take_some(int *fd, struct buf *b)
{
	char bytes[65536];
	ssize_t n = read(*fd, bytes, sizeof(bytes));

	if (n > 0 && b != NULL)
		buf_add(b, bytes, (size_t)n);
	if (n <= 0) {
		close(*fd);
		*fd = -1;
	}
}

static size_t
give_some(int *fd, const char *data, size_t len)
{
	ssize_t n = len == 0 ? 0 : write(*fd, data, len < 4096 ? len : 4096);

	if (n > 0 && (size_t)n < len)
		return (size_t)n;
	close(*fd);
	*fd = -1;
	return len;
}

int
child_finish(struct child *c, const void *in, size_t in_len, struct buf *out, struct buf *err)
{
	const char *data = in;
	long long until = io_now_ms() + 4 * WAIT_MS;
	int status;

	while (c->out >= 0 || c->err >= 0) {
		struct pollfd p[3] = {{c->in, POLLOUT, 0}, {c->out, POLLIN, 0}, {c->err, POLLIN, 0}};

		if (io_now_ms() > until)
			kill(c->pid, SIGKILL);
		if (poll(p, 3, 1000) <= 0)
			continue;
		if (p[0].revents != 0) {
			size_t n = give_some(&c->in, data, in_len);

			data += n;
			in_len -= n;
		}
		if (p[1].revents != 0)
			take_some(&c->out, out);
		if (p[2].revents != 0)
			take_some(&c->err, err);
	}
	if (c->in >= 0)
		close(c->in);
	c->in = -1;
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

int
child_run(const struct front *f, const char *const *argv, const char *const *env, const char *in, struct buf *out,
    struct buf *err)
{
	struct child c;

	child_start(&c, f, argv, env);
	return child_finish(&c, in, in == NULL ? 0 : strlen(in), out, err);
}

void
ssh_argv(const struct front *f, const char *const *options, const char *command, const char *argv[32])
{
	static char port[8];
	size_t n = 0;
	const char *const fixed[] = {"ssh", "-F", "none", "-o", "IdentitiesOnly=yes", "-o",
	    "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-p", port};

	snprintf(port, sizeof(port), "%d", f->port);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		argv[n++] = fixed[i];
	for (; options != NULL && *options != NULL; options++)
		argv[n++] = *options;
	argv[n++] = "-i";
	argv[n++] = front_path(f, "id_a");
	argv[n++] = "somebody@127.0.0.1";
	if (command != NULL)
		argv[n++] = command;
	argv[n] = NULL;
}

int
ssh_run(const struct front *f, const char *command, const char *in, struct buf *out, struct buf *err)
{
	const char *argv[32];

	ssh_argv(f, NULL, command, argv);
	return child_run(f, argv, NULL, in, out, err);
}

uint64_t
stream_hash(int fd, uint64_t *ret_len)
{
	static unsigned char bytes[65536];
	uint64_t hash = 0xcbf29ce484222325u;
	ssize_t n;

	*ret_len = 0;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			hash = (hash ^ bytes[i]) * 0x100000001b3u;
		*ret_len += (uint64_t)n;
	}
	return hash;
}

long long
elapsed_ms(long long since_ms)
{
	return io_now_ms() - since_ms;
}
