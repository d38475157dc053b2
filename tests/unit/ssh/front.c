/* A stand-in for pgod and core: accepts on a loopback port, starts the real pgod-ssh for each connection as pgod does,
 * and answers its operations. What happens is told on stdout, a line an event, for the tests to wait for:
 *
 *   port N             listening
 *   start PID          a pgod-ssh was started
 *   op USER KEY LINE   it asked (KEY and LINE in base64)
 *   signal NAME        the client sent a signal
 *   left               it closed its channel while an operation ran
 *   end PID STATUS KB  it ended; STATUS as wait gives it, and its peak resident memory
 *
 * The operation's name says what the stand-in does; see `ops`. It serves until its stdin is closed. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/str.h"
#include "ipc/msg.h"
#include "ipc/opline.h"

enum { NOBODY = 65534, LINES = 3000 };

static void
die(const char *what)
{
	fprintf(stderr, "front: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
tell(const char *fmt, ...)
{
	auto_buf struct buf line = BUF_INIT(1024 * 1024);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	buf_str_add(&line, "\n");
	if (io_write_all(STDOUT_FILENO, line.data, line.len, NULL) < 0)
		_exit(1);
}

static void
say_out(int ch, int stream, const char *text)
{
	json_t *body = msg_new("output", "siss", "stream", stream, "data", text);

	while (msg_send(ch, CORE_TO_SSH, body, NULL, 0, NULL) == -EAGAIN)
		continue;
	json_decref(body);
}

static void
say_exit(int ch, long long status)
{
	json_t *body = msg_new("exit", "sI", "status", (json_int_t)status);

	if (msg_send(ch, CORE_TO_SSH, body, NULL, 0, NULL) < 0)
		tell("left");
	json_decref(body);
}

/* Sends the job's descriptors, waits for its end or the client's, whichever is first. */
static void
op_exec(int ch, const struct opline *ol)
{
	int in[2], out[2], err[2], exited[2];
	json_t *body = msg_new("run", "");
	struct pollfd p[1];
	bool left; /* the client, perhaps before it could be given the job */
	int status = 0;
	pid_t pid;

	if (pipe(in) < 0 || pipe(out) < 0 || pipe(err) < 0 || pipe(exited) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		setpgid(0, 0);
		fcntl(exited[1], F_SETFD, FD_CLOEXEC);
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
			die("dup2");
		/* keep one end open until the program is gone: a second child watches it */
		for (int fd = 3; fd < 64; fd++) {
			if (fd != exited[1])
				close(fd);
		}
		execvp(ol->args.v[0], ol->args.v);
		_exit(127);
	}
	setpgid(pid, pid); /* here as well: it may be killed before it has come to that */
	close(in[0]), close(out[1]), close(err[1]), close(exited[1]);
	left = msg_send(ch, CORE_TO_SSH, body, (int[]){in[1], out[0], err[0]}, 3, NULL) < 0;
	json_decref(body);
	close(in[1]), close(out[0]), close(err[0]), close(exited[0]);
	while (!left) {
		auto_msg struct msg m = MSG_INIT;

		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		p[0] = (struct pollfd){ch, POLLIN, 0};
		if (poll(p, 1, 5) <= 0)
			continue;
		left = msg_recv(ch, SSH_TO_CORE, &m, NULL) <= 0;
		if (!left && str_eq(m.spec->type, "eof")) {
			tell("eof");
		} else if (!left) {
			tell("signal %s", msg_str(&m, "name"));
			kill(-pid, SIGTERM);
		}
	}
	if (left) {
		tell("left");
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return;
	}
	say_exit(ch, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void
op_status(int ch, const struct opline *ol)
{
	say_exit(ch, atoll(ol->args.v[0]));
}

static void
op_echo(int ch, const struct opline *ol)
{
	for (size_t i = 0; i < ol->args.n; i++) {
		auto_free char *line = str_printf("<%s>\n", ol->args.v[i]);

		say_out(ch, 1, line);
	}
	say_exit(ch, 0);
}

static void
op_both(int ch, const struct opline *ol)
{
	(void)ol;
	say_out(ch, 1, "to stdout\n");
	say_out(ch, 2, "to stderr\n");
	say_exit(ch, 7);
}

static void
op_die(int ch, const struct opline *ol)
{
	(void)ol;
	shutdown(ch, SHUT_RDWR);
}

static void
op_nonsense(int ch, const struct opline *ol)
{
	(void)ol;
	if (send(ch, "{\"type\":\"quit\"}", 15, MSG_NOSIGNAL) < 0)
		die("send");
}

static void
op_signal(int ch, const struct opline *ol)
{
	auto_msg struct msg m = MSG_INIT;

	(void)ol;
	say_out(ch, 1, "waiting\n");
	if (msg_recv(ch, SSH_TO_CORE, &m, NULL) <= 0) {
		tell("left");
		return;
	}
	tell("signal %s", msg_str(&m, "name"));
	say_exit(ch, 0);
}

/* As core reads what an operation's client sends along. */
static void
op_stdin(int ch, const struct opline *ol)
{
	auto_buf struct buf in = BUF_INIT(1024);
	auto_msg struct msg m = MSG_INIT;
	json_t *body = msg_new("run", "");
	int ends[2], none[2];

	(void)ol;
	if (pipe(ends) < 0 || pipe(none) < 0)
		die("pipe");
	close(none[1]);
	if (msg_send(ch, CORE_TO_SSH, body, (int[]){ends[1], none[0], none[0]}, 3, NULL) < 0)
		die("run");
	json_decref(body);
	close(ends[1]);
	say_out(ch, 1, "reading\n");
	if (io_read_all(ends[0], &in, NULL) < 0)
		die("stdin");
	if (msg_recv(ch, SSH_TO_CORE, &m, NULL) <= 0) {
		tell("part %s", buf_str(&in));
		return;
	}
	tell("%s %s", m.spec->type, buf_str(&in));
	say_exit(ch, 0);
}

static void
op_texts(int ch, const struct opline *ol)
{
	(void)ol;
	for (int i = 0; i < LINES; i++) {
		auto_free char *line = str_printf("%d %0999d\n", i, i);

		say_out(ch, 1, line);
	}
	say_exit(ch, 0);
}

static const struct {
	const char *name;
	void (*run)(int ch, const struct opline *ol);
} ops[] = {
    {"exec", op_exec},	       /* the arguments are a program to run as the job */
    {"logs", op_exec},	       /* the same, as the operation whose lines compose clears */
    {"status", op_status},     /* end with this status */
    {"echo", op_echo},	       /* the words, one a line, in <> */
    {"both", op_both},	       /* a line on each stream, status 7 */
    {"die", op_die},	       /* core goes away */
    {"nonsense", op_nonsense}, /* core says what it may not */
    {"signal", op_signal},     /* wait for a signal */
    {"stdin", op_stdin},       /* read stdin to its end: all of it, or a part */
    {"texts", op_texts},       /* LINES texts of about 1000 bytes */
};

static void
answer(int ch, const struct msg *m)
{
	auto_opline struct opline ol = OPLINE_INIT;
	size_t len;
	auto_free char *line = str_unbase64(msg_str(m, "line"), &len);

	tell("op %s %s %s", msg_str(m, "user"), msg_str(m, "key"), msg_str(m, "line"));
	if (opline_parse(line, len, &ol, NULL) < 0)
		die("opline_parse");
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (str_eq(ol.op, ops[i].name)) {
			ops[i].run(ch, &ol);
			return;
		}
	}
	say_out(ch, 1, "Not Acceptable: Command does not match any route\n");
	say_exit(ch, 406);
}

static pid_t
start_role(const char *program, int core, int client, int key)
{
	int exe = open(program, O_RDONLY | O_CLOEXEC);
	char *argv[] = {(char *)"pgod-ssh", NULL};
	char *envp[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	pid_t pid = fork();

	if (pid != 0) {
		close(exe);
		return pid;
	}
	core = fcntl(core, F_DUPFD, 20);
	client = fcntl(client, F_DUPFD, 20);
	key = fcntl(key, F_DUPFD, 20);
	exe = fcntl(exe, F_DUPFD_CLOEXEC, 20);
	if (dup2(core, 3) < 0 || dup2(client, 4) < 0 || dup2(key, 5) < 0)
		die("dup2");
	for (int fd = 6; fd < 64; fd++) {
		if (fd != exe)
			close(fd);
	}
	if (getuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		die("setuid");
	fexecve(exe, argv, envp);
	die(program);
	return -1;
}

/* The connection is handed over, as pgod does to a process that it kept ready. */
static pid_t
start_with(const char *program, int core, int client, int key)
{
	int pair[2];
	int on = 1;
	pid_t pid;

	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		die("socketpair");
	pid = start_role(program, core, pair[1], key);
	close(pair[1]);
	if (io_send_fd(pair[0], client, NULL) < 0)
		die("hand over");
	close(pair[0]);
	return pid;
}

/* One connection: its pgod-ssh, and core's side of its channel. */
static void
serve(const char *program, int client, int key)
{
	auto_msg struct msg m = MSG_INIT;
	struct rusage usage;
	int ch[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ch) < 0)
		die("socketpair");
	pid = start_with(program, ch[1], client, key);
	close(ch[1]);
	close(client);
	tell("start %d", (int)pid);
	if (msg_recv(ch[0], SSH_TO_CORE, &m, NULL) > 0 && str_eq(m.spec->type, "op"))
		answer(ch[0], &m);
	if (wait4(pid, &status, 0, &usage) == pid)
		tell("end %d %d %ld", (int)pid, status, usage.ru_maxrss);
	_exit(0);
}

static int
make_key(const char *path)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err err = ERR_INIT;

	if (fd < 0 || io_read_all(fd, &text, &err) < 0)
		die(path);
	return io_memfd("hostkey", text.data, text.len, &err);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int key;

	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	key = make_key(argv[2]);
	if (key < 0 || bind(listener, (struct sockaddr *)&addr, len) < 0 || listen(listener, 16) < 0 ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) < 0)
		die("listen");
	tell("port %d", ntohs(addr.sin_port));
	for (;;) {
		struct pollfd p[2] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
		int client;

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents != 0)
			return 0;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		client = accept(listener, NULL, NULL);
		if (client >= 0 && fork() == 0) {
			close(listener);
			close(STDIN_FILENO);
			open("/dev/null", O_RDWR);
			serve(argv[1], client, key);
		}
		close(client);
	}
}
