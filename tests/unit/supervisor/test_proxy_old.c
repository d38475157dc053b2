/* nginx's processes of before a reload: processes of that name play them, on a port of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/str.h"
#include "supervisor/proxy_old.h"

enum { WORKERS = 2 };

struct nginx {
	pid_t master;
	int port;
	int die; /* each byte ends a worker, in any order */
	struct proxy_old found;
};

static void
worker(int die)
{
	char c;

	_exit(read(die, &c, 1) == 1 ? 0 : 1);
}

/* Reaps its workers, as nginx does; ends with them, or with the test. */
static void
master(int die, int ready)
{
	prctl(PR_SET_NAME, "nginx");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < WORKERS; i++) {
		if (fork() == 0)
			worker(die);
	}
	if (write(ready, "x", 1) != 1)
		_exit(1);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static int
setup(void **state)
{
	struct nginx *n = calloc(1, sizeof(*n));
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int die[2], ready[2];
	char c;

	assert_non_null(n);
	assert_true(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 1) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_true(pipe(die) == 0 && pipe(ready) == 0);
	n->port = ntohs(at.sin_port);
	n->master = fork();
	if (n->master == 0) {
		close(die[1]);
		close(ready[0]);
		master(die[0], ready[1]);
	}
	close(die[0]);
	close(ready[1]);
	n->die = die[1];
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*state = n;
	return 0;
}

static int
teardown(void **state)
{
	struct nginx *n = *state;

	close(n->die); /* workers that are left see the end */
	assert_int_equal(waitpid(n->master, NULL, 0), n->master);
	free(n);
	return 0;
}

static size_t
find_on(struct nginx *n, int port)
{
	auto_free char *text =
	    str_printf("server {\n\tlisten 127.0.0.1:%d default_server;\n\tlisten [::1]:1;\n}\n", port);

	proxy_old_find(text, &n->found);
	return n->found.n;
}

static void
the_nginx_of_another_port_is_waited_for(void **state)
{
	struct nginx *n = *state;

	assert_int_equal(find_on(n, 1), 0);
	assert_int_equal(find_on(n, n->port), WORKERS);
}

static void
on_gone(void *ctx, long long id)
{
	*(long long *)ctx = id;
}

static void
old_containers_go_while_a_worker_still_answers(void **state)
{
	struct nginx *n = *state;
	struct event_base *base = event_base_new();
	long long gone = 0;
	struct proxy_watch *w = proxy_watch_new(base, on_gone, &gone);
	auto_buf struct buf words = BUF_INIT(1024);
	struct proxy_old old = {.n = 0};
	siginfo_t ended;

	assert_int_equal(find_on(n, n->port), WORKERS);
	proxy_old_pack(&n->found, &words);
	proxy_old_unpack(buf_str(&words), &old);
	assert_int_equal(old.n, WORKERS);
	proxy_watch_add(w, 7, &old);
	/* One reload more, before the workers of the first have ended. */
	proxy_watch_add(w, 8, &old);
	assert_int_equal(write(n->die, "x", 1), 1);
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0); /* one has ended */
	assert_int_equal(gone, 0);
	assert_int_equal(write(n->die, "x", 1), 1);
	while (gone == 0)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(gone, 8);
	/* With its last worker, when that is reaped, the master ends. */
	assert_int_equal(waitid(P_PID, (id_t)n->master, &ended, WEXITED | WNOWAIT), 0);
	/* Whoever has ended before he is watched is gone at once; of nobody it is not known. */
	proxy_watch_add(w, 9, &old);
	assert_int_equal(gone, 9);
	old.n = 0;
	proxy_watch_add(w, 10, &old);
	assert_int_equal(gone, 9);
	proxy_watch_free(w);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_nginx_of_another_port_is_waited_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(old_containers_go_while_a_worker_still_answers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
