#include "supervisor/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/session.h"

struct children {
	LIST_HEAD(, child) list;
	struct event *sigchld;
};

static struct child *
find(const struct children *cs, pid_t pid)
{
	struct child *c;

	LIST_FOREACH(c, &cs->list, link)
	{
		if (c->pid == pid)
			return c;
	}
	return NULL;
}

static void
reap(struct children *cs, pid_t pid)
{
	struct child *c = find(cs, pid);
	int wstatus = 0;

	/* What its session still holds ends with it. Before the leader is reaped: while it is a zombie, its number is
	 * its own. */
	if (c != NULL)
		session_signal(pid, SIGKILL);
	if (waitpid(pid, &wstatus, WNOHANG) != pid)
		return;
	if (c == NULL) {
		log_debug("reaped an orphan pid=%d", (int)pid);
		return;
	}
	LIST_REMOVE(c, link);
	c->ended(c->ctx, wstatus);
}

/* An orphan whose session belongs to no child of ours is a daemon that a job made: it could hold the service's lock for
 * ever. Who is in our own session was our child before we were pgod (exec from a shell), and none of our business: jobs
 * never are. */
static void
end_strays(struct children *cs)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (fscanf(f, "%d", &pid) == 1) {
		pid_t sid = getsid(pid);

		if (find(cs, pid) != NULL || find(cs, sid) != NULL || sid == getsid(0))
			continue;
		log_warn("ending a process that a job left behind pid=%d", pid);
		kill(pid, SIGKILL);
	}
	fclose(f);
}

static void
on_sigchld(evutil_socket_t sig, short what, void *arg)
{
	struct children *cs = arg;

	(void)sig;
	(void)what;
	for (;;) {
		siginfo_t si = {0};

		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == 0)
			break;
		reap(cs, si.si_pid);
	}
	end_strays(cs);
}

struct children *
children_new(struct event_base *base, struct err *err)
{
	struct children *cs = calloc(1, sizeof(*cs));

	if (cs == NULL)
		abort();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
		err_errno(err, "cannot become a subreaper");
		free(cs);
		return NULL;
	}
	LIST_INIT(&cs->list);
	cs->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, cs);
	if (cs->sigchld == NULL || event_add(cs->sigchld, NULL) < 0)
		abort();
	return cs;
}

void
children_free(struct children *cs)
{
	if (cs == NULL)
		return;
	event_free(cs->sigchld);
	free(cs);
}

void
children_add(struct children *cs, struct child *c, pid_t pid, void (*ended)(void *ctx, int wstatus), void *ctx)
{
	c->pid = pid;
	c->ended = ended;
	c->ctx = ctx;
	LIST_INSERT_HEAD(&cs->list, c, link);
}

size_t
children_count(const struct children *cs)
{
	const struct child *c;
	size_t n = 0;

	LIST_FOREACH(c, &cs->list, link)
	n++;
	return n;
}
