#include "supervisor/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "conf/routes.h"
#include "ipc/upstreams.h"
#include "supervisor/proxy_file.h"
#include "supervisor/proxy_old.h"
#include "supervisor/proxy_text.h"

enum {
	/* The test, the reload, and another reload of what was there before, with a little for the file. */
	PROXY_DEADLINE_MS = 3 * PROXY_COMMAND_MS + 20 * 1000,
	PROXY_QUIT_MS = 5 * 1000,
	REPORT_FD = 3, /* of the child */
	REPORT_BYTES = 16 * 1024,
};

/* What a child does: core's order, or, at the start, what an earlier one has left. */
struct job {
	bool recover;
	long long id; /* of core's message; 0: nobody waits */
	struct upstreams upstreams;
};

struct proxy {
	struct event_base *base;
	struct children *children;
	const struct facts *facts;
	struct channel *core;
	struct routes routes;
	struct job running;
	struct job next;
	bool busy, has_next;
	bool quitting;
	bool stuck; /* past its deadline: told to die, which it does when the file system answers */
	struct child child;
	struct event *deadline;
	int report; /* read end */
	struct proxy_watch *watch;
};

static void run_next(struct proxy *p);

static void
job_done(struct job *j)
{
	upstreams_done(&j->upstreams);
	*j = (struct job){0};
}

static void
answer(struct proxy *p, struct job *j, const char *error, long long written_ms, bool leaving)
{
	if (error[0] != '\0')
		log_err("the proxy does not have the routes of now: %s", error);
	if (j->id != 0 && p->core != NULL)
		channel_send(p->core,
		    msg_new("proxied", "sIsssIsb", "id", (json_int_t)j->id, "error", error, "written_ms",
			(json_int_t)written_ms, "leaving", leaving),
		    NULL, 0);
	j->id = 0;
}

static void
on_left(void *ctx, long long id)
{
	struct proxy *p = ctx;

	if (id != 0 && p->core != NULL)
		channel_send(p->core, msg_new("proxy-left", "sI", "id", (json_int_t)id), NULL, 0);
}

/* --- the child --- */

static bool
has_certificate(void *ctx, const char *host)
{
	const struct conf_proxy *c = ctx;
	auto_free char *certificate = proxy_path_for(c->certificate, host);
	auto_free char *key = proxy_path_for(c->certificate_key, host);

	return access(certificate, R_OK) == 0 && access(key, R_OK) == 0;
}

static int
child_work(const struct proxy *p, const char *state, long long *ret_ms, struct proxy_old *ret_old, struct err *err)
{
	struct conf_proxy *c = p->facts->conf->proxy;
	auto_buf struct buf text = BUF_INIT(PROXY_TEXT_MAX);
	struct proxy_input in = {.proxy = c,
	    .routes = &p->routes,
	    .upstreams = &p->running.upstreams,
	    .apps_plain = p->facts->conf->push == NULL || str_eq(p->facts->conf->push->scheme, "http"),
	    .has_certificate = has_certificate,
	    .ctx = c};

	if (p->running.recover)
		return proxy_file_recover(c, state, err);
	proxy_text(&in, &text);
	if (text.full)
		return err_set(err, EFBIG, "the routes are longer than %d bytes", PROXY_TEXT_MAX);
	return proxy_file_apply(c, state, &text, ret_ms, ret_old, err);
}

/* "MS", and the processes that are to end: " PID:STARTED"; or why it failed. */
static void
child_says(int rc, long long ms, const struct proxy_old *old, const struct err *err)
{
	auto_buf struct buf said = BUF_INIT(REPORT_BYTES);

	if (rc < 0) {
		buf_str_add(&said, err->msg);
	} else {
		buf_printf(&said, "%lld", ms);
		proxy_old_pack(old, &said);
	}
	io_write_all(REPORT_FD, buf_str(&said), said.len, NULL);
}

/* Forked and not executed: it writes what only root may, and reads nothing that is foreign. */
static void
child_run(const struct proxy *p, int report, pid_t parent)
{
	auto_free char *state = str_printf("%s/.proxy", p->facts->dir);
	struct proxy_old old = {.n = 0};
	struct err err = ERR_INIT;
	long long ms = 0;
	sigset_t all;
	int rc;

	/* Signals are for the parent, whose handlers would run here. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The next pgod puts the file right: not with this one at it, whose pgod died before the line above. */
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	if (dup2(report, REPORT_FD) < 0 || close_range(REPORT_FD + 1, ~0U, 0) < 0 ||
	    fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) < 0)
		_exit(EXIT_FAILURE);
	rc = child_work(p, state, &ms, &old, &err);
	child_says(rc, ms, &old, &err);
	_exit(rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* It is written, and read. */
static void
answer_good(struct proxy *p, const char *said)
{
	struct proxy_old old = {.n = 0};
	auto_free char *ms = str_printf("%.*s", (int)strcspn(said, " "), said);
	long long id = p->running.id;
	int64_t written_ms = 0;

	str_to_int(ms, 0, INT64_MAX, &written_ms);
	proxy_old_unpack(said + strlen(ms), &old);
	answer(p, &p->running, "", written_ms, old.n > 0);
	proxy_watch_add(p->watch, id, &old);
}

static void
on_ended(void *ctx, int wstatus)
{
	struct proxy *p = ctx;
	auto_buf struct buf text = BUF_INIT(REPORT_BYTES);

	io_read_all(p->report, &text, NULL);
	auto_close_(&p->report);
	p->report = -1;
	if (text.len == 0)
		buf_str_add(&text, "the process that writes it was killed");
	if (!p->stuck && wstatus == 0)
		answer_good(p, buf_str(&text));
	else if (!p->stuck)
		answer(p, &p->running, buf_str(&text), 0, false);
	event_del(p->deadline);
	p->busy = p->stuck = false;
	job_done(&p->running);
	run_next(p);
}

static void
on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct proxy *p = ctx;
	auto_free char *text =
	    p->quitting ? str_dup("pgod ends") : str_printf("it was not written within %d s", PROXY_DEADLINE_MS / 1000);

	(void)fd;
	(void)what;
	p->stuck = true;
	kill(p->child.pid, SIGKILL);
	answer(p, &p->running, text, 0, false);
}

static int
start(struct proxy *p, struct err *err)
{
	static const struct timeval deadline = {PROXY_DEADLINE_MS / 1000, 0};
	auto_close int write_end = -1;
	int fds[2];
	pid_t parent = getpid();
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, "cannot make a pipe");
	p->report = fds[0];
	write_end = fds[1];
	pid = fork();
	if (pid < 0) {
		close(p->report);
		p->report = -1;
		return err_errno(err, "cannot start a process");
	}
	if (pid == 0)
		child_run(p, write_end, parent);
	event_add(p->deadline, &deadline);
	children_add(p->children, &p->child, pid, on_ended, p);
	p->busy = true;
	return 0;
}

static void
run_next(struct proxy *p)
{
	struct err err = ERR_INIT;

	if (p->busy || !p->has_next)
		return;
	p->running = p->next;
	p->next = (struct job){0};
	p->has_next = false;
	if (start(p, &err) >= 0)
		return;
	answer(p, &p->running, err.msg, 0, false);
	job_done(&p->running);
}

static void
enqueue(struct proxy *p, struct job take_job)
{
	job_done(&p->next);
	p->next = take_job;
	p->has_next = true;
	run_next(p);
}

static int
by_host(const void *key, const void *app)
{
	return strcmp(key, ((const struct upstreams_app *)app)->host);
}

/* A name of pgo.toml's is never an app's, whatever core says: it would take that site's visitors, or make the proxy
 * refuse everything. */
static int
check_apps(const struct proxy *p, const struct upstreams *u, struct err *err)
{
	for (size_t i = 0; u->napps > 0 && i < p->routes.n; i++) {
		const struct route *r = &p->routes.v[i];

		if (bsearch(r->address.host, u->apps, u->napps, sizeof(*u->apps), by_host) != NULL)
			return err_set(err, EPROTO, "upstreams with an app at %s, which is the service %s's",
			    r->address.host, r->service);
	}
	return 0;
}

int
proxy_order(struct proxy *p, struct msg *m, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(UPSTREAMS_BYTES);
	auto_close int fd = msg_take_fd(m, 0);
	struct job job = {.id = msg_int(m, "id")};
	int rc;

	if (p->facts->conf->proxy == NULL)
		return err_set(err, EPROTO, "upstreams, and no proxy is configured");
	if (p->next.id != 0 || (p->busy && p->running.id != 0))
		return err_set(err, EPROTO, "upstreams before the last ones were answered");
	rc = io_memfd_read(fd, &text, err);
	if (rc >= 0)
		rc = upstreams_unpack(buf_str(&text), text.len, p->routes.n, &job.upstreams, err);
	if (rc >= 0)
		rc = check_apps(p, &job.upstreams, err);
	if (rc < 0) {
		job_done(&job);
		return rc;
	}
	if (p->quitting) {
		answer(p, &job, "pgod ends", 0, false);
		job_done(&job);
		return 0;
	}
	if (p->stuck) {
		answer(p, &job, "an earlier write still hangs in a file system that does not answer", 0, false);
		job_done(&job);
		return 0;
	}
	enqueue(p, job);
	return 0;
}

void
proxy_quit(struct proxy *p)
{
	static const struct timeval moment = {PROXY_QUIT_MS / 1000, 0};

	p->quitting = true;
	job_done(&p->next);
	p->has_next = false;
	if (p->busy)
		event_add(p->deadline, &moment);
}

/* The next core counts from one again, and says itself where everything leads. What runs is brought to its end. */
void
proxy_set_core(struct proxy *p, struct channel *core)
{
	p->core = core;
	if (core != NULL)
		return;
	p->running.id = 0;
	proxy_watch_clear(p->watch);
	if (p->has_next && !p->next.recover) {
		job_done(&p->next);
		p->has_next = false;
	}
}

struct proxy *
proxy_new(struct event_base *base, struct children *children, const struct facts *facts)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (p == NULL || (p->deadline = evtimer_new(base, on_deadline, p)) == NULL)
		abort();
	p->base = base;
	p->children = children;
	p->facts = facts;
	p->report = -1;
	p->watch = proxy_watch_new(base, on_left, p);
	routes_of(facts->conf, &p->routes);
	if (facts->conf->proxy != NULL)
		enqueue(p, (struct job){.recover = true});
	return p;
}

void
proxy_close(struct proxy *p)
{
	if (p == NULL)
		return;
	event_free(p->deadline);
	proxy_watch_free(p->watch);
	auto_close_(&p->report);
	job_done(&p->running);
	job_done(&p->next);
	routes_done(&p->routes);
	free(p);
}
