#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"

struct fixture fx;

char *
at(struct fixture *f, const char *format, ...)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];
	int n = snprintf(path, 256, "%s/", f->root);
	va_list ap;

	va_start(ap, format);
	vsnprintf(path + n, 256 - (size_t)n, format, ap);
	va_end(ap);
	return path;
}

void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
copy_file(const char *from, const char *to, mode_t mode)
{
	auto_buf struct buf b = BUF_INIT(64 * 1024 * 1024);
	auto_close int in = open(from, O_RDONLY | O_CLOEXEC);
	auto_close int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(io_read_all(in, &b, NULL), 0);
	assert_int_equal(io_write_all(out, b.data, b.len, NULL), 0);
	assert_int_equal(fchmod(out, mode), 0);
}

/* The accounts exist for this test and its children only: /etc becomes a copy of the little that programs want of it (a
 * copy of the whole would meet files that come and go while others add accounts). (Not binds over the two files:
 * whoever adds an account to the machine meanwhile renames a new file over each, and the kernel drops a mount on what
 * is renamed over.) */
static void
make_accounts(struct fixture *f)
{
	auto_buf struct buf b = BUF_INIT(4096);
	auto_free char *copy =
	    str_printf("mkdir %s/etc && cd /etc && for f in alternatives hostname hosts ld.so.cache nsswitch.conf; do "
		       "test ! -e $f || cp -a $f %s/etc || exit 1; done && touch %s/etc/shadow",
		f->root, f->root, f->root);

	assert_int_equal(system(copy), 0); // NOLINT: a test's own words
	buf_printf(&b,
	    "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n");
	buf_printf(&b, "alice:x:%d:%d::/home/alice:/bin/sh\nbob:x:%d:%d::/home/bob:/bin/sh\n", UID_ALICE, UID_ALICE,
	    UID_BOB, UID_BOB);
	buf_printf(&b, "_pgod:x:%d:%d::/nonexistent:/bin/false\n_pgod-ssh:x:%d:%d::/nonexistent:/bin/false\n", UID_CORE,
	    UID_CORE, UID_SSH, UID_SSH);
	write_file(at(f, "etc/passwd"), buf_str(&b), 0644);
	buf_reset(&b);
	buf_printf(&b, "root:x:0:\nnogroup:x:65534:\nalice:x:%d:\nengine:x:%d:\nweb:x:%d:alice\n", UID_ALICE,
	    GID_ENGINE, GID_WEB);
	write_file(at(f, "etc/group"), buf_str(&b), 0644);
	assert_int_equal(mount(at(f, "etc"), "/etc", NULL, MS_BIND, NULL), 0);
}

static void
make_sockets(struct fixture *f)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int engine = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/x/s", f->root);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(chmod(sa.sun_path, 0777), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/engine.sock", f->root);
	assert_int_equal(bind(engine, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(chown(sa.sun_path, 0, GID_ENGINE), 0);
	assert_int_equal(chmod(sa.sun_path, 0660), 0);
	assert_int_equal(listen(engine, 8), 0);
}

void
fixture_init(struct fixture *f, char **argv)
{
	*f = (struct fixture){.listener = -1, .core = -1, .lifeline = -1};
	/* Never a skip: without root there is nothing to test. */
	assert_int_equal(geteuid(), 0);
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* what outlives a killed pgod comes here */
	snprintf(f->root, sizeof(f->root), "/tmp/pgo-sup.XXXXXX");
	assert_non_null(mkdtemp(f->root));
	assert_int_equal(chmod(f->root, 0755), 0);
	snprintf(f->dir, sizeof(f->dir), "%s/var", f->root);
	snprintf(f->config, sizeof(f->config), "%s/pgo.toml", f->root);
	snprintf(f->log, sizeof(f->log), "%s/log", f->root);
	make_accounts(f);
	assert_int_equal(mkdir(at(f, "x"), 0755), 0);
	f->program = argv[1];
	f->fast_program = argv[5];
	copy_file(argv[2], at(f, "x/pgod-conf"), 0755);
	copy_file(argv[3], at(f, "x/pgod-core"), 0755);
	copy_file(argv[4], at(f, "x/pgod-ssh"), 0755);
	write_file(at(f, "x/pgod-job"), "#!/bin/sh\nset -- \"$@\"\nexec /bin/sh -s -- \"$@\"\n", 0755);
	write_file(at(f, "compose"),
	    "#!/bin/sh\nif [ \"$1\" = version ]; then echo 2.26.1; exit; fi\n"
	    "while [ \"$1\" != -- ]; do words=\"$words $1\"; shift; done\nshift\nexport words\nexec \"$@\"\n",
	    0755);
	make_sockets(f);
	setenv("PGO_LIBEXEC", at(f, "x"), 1);
	setenv("PGO_RUN", at(f, "run"), 1);
	setenv("PGO_COMPOSE", at(f, "compose"), 1);
	snprintf(f->engine, sizeof(f->engine), "unix://%s/engine.sock", f->root);
	setenv("DOCKER_HOST", f->engine, 1);
}

void
fixture_done(struct fixture *f)
{
	auto_free char *command = str_printf("rm -rf --one-file-system %s", f->root);

	while (umount2(at(f, "run/pins"), MNT_DETACH) == 0)
		continue;
	assert_int_equal(system(command), 0); // NOLINT: a test's own directory
}

void
pgod_start(struct fixture *f, ...)
{
	const char *argv[16] = {"pgod", "--config", f->config, "--dir", f->dir, "--datadir", at(f, "data"),
	    "--ssh=127.0.0.1:0", "--metric=off", "--debug"};
	size_t n = 10;
	va_list ap;

	va_start(ap, f);
	while (n < 15 && (argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	unlink(f->log);
	f->pgod = fork();
	assert_true(f->pgod >= 0);
	if (f->pgod == 0) {
		int log = open(f->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(log, STDERR_FILENO);
		dup2(log, STDOUT_FILENO);
		execv(f->program, (char **)argv);
		_exit(127);
	}
}

static void
wait_readable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
}

static int
receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr mh = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	int fd = -1;

	wait_readable(sock);
	assert_int_equal(recvmsg(sock, &mh, MSG_CMSG_CLOEXEC), 1);
	c = CMSG_FIRSTHDR(&mh);
	if (c == NULL)
		fail_msg("the fake core sent no channel");
	else
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void
fail_with_log(const struct fixture *f, const char *what)
{
	auto_buf struct buf b = BUF_INIT(4 * 1024 * 1024);

	io_read_file(AT_FDCWD, f->log, &b, NULL);
	fail_msg("%s; the log:\n%s", what, buf_str(&b));
}

static void
wait_for_core(struct fixture *f)
{
	struct pollfd pfd = {.fd = f->listener, .events = POLLIN};

	if (poll(&pfd, 1, WAIT_MS) != 1)
		fail_with_log(f, "no core came");
}

void
core_attach(struct fixture *f, bool hello)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	wait_for_core(f);
	f->lifeline = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(f->lifeline >= 0);
	assert_int_equal(getsockopt(f->lifeline, SOL_SOCKET, SO_PEERCRED, &cred, &len), 0);
	assert_int_equal(cred.uid, UID_CORE);
	f->core_pid = cred.pid;
	f->core = receive_fd(f->lifeline);
	if (hello) {
		json_t *body = msg_new("hello", "si", "protocol", 1);

		if (msg_send(f->core, CORE_TO_PGOD, body, NULL, 0, NULL) < 0)
			fail_with_log(f, "core cannot say hello");
		json_decref(body);
	}
}

void
core_drop(struct fixture *f)
{
	auto_close_(&f->core);
	auto_close_(&f->lifeline);
	f->core = f->lifeline = -1;
}

int
pgod_wait(struct fixture *f)
{
	int status = 0;
	long long until = io_now_ms() + WAIT_MS;
	pid_t pid;

	while ((pid = waitpid(f->pgod, &status, WNOHANG)) == 0 && io_now_ms() < until)
		poll(NULL, 0, 5);
	if (pid != f->pgod) {
		kill(f->pgod, SIGKILL);
		waitpid(f->pgod, NULL, 0);
		fail_with_log(f, "pgod does not end");
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
pgod_stop(struct fixture *f)
{
	auto_msg struct msg quit = MSG_INIT;

	kill(f->pgod, SIGTERM);
	/* A core that goes before pgod has heard of its signal is started again. */
	if (f->core >= 0)
		expect(f, "quit", &quit);
	core_drop(f);
	return pgod_wait(f);
}

void
expect(struct fixture *f, const char *type, struct msg *ret_m)
{
	for (;;) {
		struct err err = ERR_INIT;
		struct msg m = MSG_INIT;

		wait_readable(f->core);
		if (msg_recv(f->core, PGOD_TO_CORE, &m, &err) != 1)
			fail_msg("waiting for %s: %s", type, err.msg);
		if (str_eq(m.spec->type, type)) {
			*ret_m = m;
			return;
		}
		msg_done(&m);
	}
}

int
job_start(struct fixture *f, long long id, const char *kind, const char *service, const char *in, ...)
{
	auto_strv struct strv args = {0};
	auto_free char *packed = NULL;
	auto_close int stdin_fd =
	    in == NULL ? open("/dev/null", O_RDONLY | O_CLOEXEC) : io_memfd("in", in, strlen(in), NULL);
	const char *word;
	json_t *body;
	int out[2];
	va_list ap;

	va_start(ap, in);
	while ((word = va_arg(ap, const char *)) != NULL)
		strv_add(&args, word);
	va_end(ap);
	packed = strv_pack(&args);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	body = msg_new("job", "sIsssssssssisi", "id", (json_int_t)id, "kind", kind, "service", service, "args", packed,
	    "stdio", "012", "cols", 0, "rows", 0);
	assert_int_equal(msg_send(f->core, CORE_TO_PGOD, body, (int[]){stdin_fd, out[1], out[1]}, 3, NULL), 0);
	json_decref(body);
	close(out[1]);
	return out[0];
}

const char *
read_all(int fd)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < sizeof(text) - 1) {
		wait_readable(fd);
		n = read(fd, text + len, sizeof(text) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	text[len] = '\0';
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return text;
}

int
job_status(struct fixture *f, long long id, const char **ret_error)
{
	static char error[ERR_MSG_MAX];

	for (;;) {
		auto_msg struct msg m = MSG_INIT;

		expect(f, "job-exited", &m);
		if (msg_int(&m, "id") != id)
			continue;
		snprintf(error, sizeof(error), "%s", msg_str(&m, "error"));
		if (ret_error != NULL)
			*ret_error = error;
		return (int)msg_int(&m, "status");
	}
}

void
job_kill(struct fixture *f, long long id, const char *signal)
{
	json_t *body = msg_new("kill", "sIss", "id", (json_int_t)id, "signal", signal);

	assert_int_equal(msg_send(f->core, CORE_TO_PGOD, body, NULL, 0, NULL), 0);
	json_decref(body);
}

bool
log_has(struct fixture *f, const char *text)
{
	auto_buf struct buf b = BUF_INIT(4 * 1024 * 1024);

	return io_read_file(AT_FDCWD, f->log, &b, NULL) == 0 && strstr(buf_str(&b), text) != NULL;
}

void
log_wait(struct fixture *f, const char *text)
{
	long long until = io_now_ms() + WAIT_MS;

	while (!log_has(f, text)) {
		if (io_now_ms() > until) {
			auto_buf struct buf b = BUF_INIT(4 * 1024 * 1024);

			io_read_file(AT_FDCWD, f->log, &b, NULL);
			fail_msg("the log never said \"%s\":\n%s", text, buf_str(&b));
		}
		poll(NULL, 0, 5);
	}
}

int
ssh_port(struct fixture *f)
{
	auto_buf struct buf b = BUF_INIT(4 * 1024 * 1024);

	log_wait(f, "port=");
	io_read_file(AT_FDCWD, f->log, &b, NULL);
	return atoi(strstr(buf_str(&b), "port=") + 5);
}

int
ssh_connect(struct fixture *f)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)ssh_port(f))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

int
setup(void **state)
{
	(void)state;
	write_file(fx.config, CONFIG, 0600);
	return 0;
}

/* Whatever a failed test left behind must not disturb the next. */
int
teardown(void **state)
{
	(void)state;
	core_drop(&fx);
	if (fx.pgod > 0) {
		kill(fx.pgod, SIGKILL);
		waitpid(fx.pgod, NULL, 0);
		fx.pgod = 0;
	}
	return 0;
}

void
start_up(void)
{
	pgod_start(&fx, "--restart=false", NULL);
	core_attach(&fx, true);
}

void
ends_with(int status)
{
	assert_int_equal(pgod_wait(&fx), status);
	fx.pgod = 0;
}

pid_t
read_pid(int fd)
{
	char line[32] = "";
	size_t n = 0;

	while (n < sizeof(line) - 1 && (n == 0 || line[n - 1] != '\n')) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		assert_int_equal(read(fd, line + n, 1), 1);
		n++;
	}
	return atoi(line);
}

void
gone(pid_t pid)
{
	long long until = io_now_ms() + WAIT_MS;

	while (kill(pid, 0) == 0) {
		assert_true(io_now_ms() < until);
		poll(NULL, 0, 5);
	}
}

/* A lock job that says its pid and then runs until the file "go" appears. */
int
blocker(long long id, const char *service, pid_t *ret_pid)
{
	auto_free char *script = str_printf("echo $$; until test -e %s/go; do sleep 0.05; done; echo over", fx.root);
	int fd = job_start(&fx, id, "stop", service, NULL, "--", "sh", "-c", script, NULL);
	auto_msg struct msg m = MSG_INIT;

	*ret_pid = read_pid(fd);
	expect(&fx, "job-started", &m); /* only then does the lock tell who has it */
	return fd;
}
