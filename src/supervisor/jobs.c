#include "supervisor/jobs.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "supervisor/job.h"
#include "supervisor/jobrun.h"
#include "supervisor/lock.h"
#include "supervisor/session.h"

enum {
	LOCK_RETRY_MS = 200,
	KILL_AGAIN_MS = 1000,
	UNKNOWN_DEADLINE_MS = 15 * 60000, /* of an old job whose lock does not tell its kind */
	OLD_GRACE_MS = 10 * 1000,
};

enum job_state {
	JOB_WAITING, /* for the lock */
	JOB_RUNNING,
	JOB_ENDING, /* TERM was sent */
	JOB_KILLED, /* KILL was sent */
};

struct job {
	LIST_ENTRY(job) link;
	struct jobs *jobs;
	struct child child;
	const struct job_kind *kind;
	long long id;
	char *service;
	struct strv operands;
	int stdio[JOB_STDIO];
	int cols, rows; /* of its terminal */
	enum job_state state;
	bool orphan; /* the core that asked for it is gone */
	bool overran;
	bool told;	      /* core knows that it waits */
	long long old_end_ms; /* waiting: when the earlier pgod's job is ended */
	bool old_termed;
	struct event *timer;
};

struct jobs {
	struct event_base *base;
	struct children *children;
	const struct facts *facts;
	struct channel *core;
	LIST_HEAD(, job) list;
};

static void try_start(struct job *j);

struct jobs *
jobs_new(struct event_base *base, struct children *children, const struct facts *facts)
{
	struct jobs *js = calloc(1, sizeof(*js));

	if (js == NULL)
		abort();
	js->base = base;
	js->children = children;
	js->facts = facts;
	LIST_INIT(&js->list);
	return js;
}

static void
set_timer(struct job *j, int ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	event_add(j->timer, &tv);
}

static void
close_stdio(struct job *j)
{
	for (size_t i = 0; i < ARRAY_LEN(j->stdio); i++) {
		auto_close_(&j->stdio[i]);
		j->stdio[i] = -1;
	}
}

static void
job_free(struct job *j)
{
	LIST_REMOVE(j, link);
	event_free(j->timer);
	close_stdio(j);
	free(j->service);
	strv_done(&j->operands);
	free(j);
}

void
jobs_free(struct jobs *js)
{
	if (js == NULL)
		return;
	while (!LIST_EMPTY(&js->list))
		job_free(LIST_FIRST(&js->list));
	free(js);
}

size_t
jobs_count(const struct jobs *js)
{
	const struct job *j;
	size_t n = 0;

	LIST_FOREACH(j, &js->list, link)
	n++;
	return n;
}

static void
report_exit(struct jobs *js, long long id, int status, const char *error)
{
	if (js->core != NULL)
		channel_send(js->core,
		    msg_new("job-exited", "sIsiss", "id", (json_int_t)id, "status", status, "error", error), NULL, 0);
}

static void
report(struct job *j, const char *type, pid_t pid, int terminal)
{
	if (j->jobs->core != NULL && !j->orphan)
		channel_send(j->jobs->core, msg_new(type, "sIsi", "id", (json_int_t)j->id, "pid", (int)pid), &terminal,
		    terminal >= 0 ? 1 : 0);
}

/* The job is over before or without a process. */
static void
give_up(struct job *j, const char *error)
{
	if (!j->orphan)
		report_exit(j->jobs, j->id, -1, error);
	job_free(j);
}

static int
deadline_ms(const struct jobs *js, const struct job_kind *k, const char *service)
{
	return job_deadline_ms(k, conf_find(js->facts->conf, service));
}

/* What people are told of a job that had to be ended. The caller frees. */
static char *
overran_text(const struct job *j)
{
	int ms = deadline_ms(j->jobs, j->kind, j->service);

	return str_printf("%s overran its deadline of %g s%s", j->kind->name, ms / 1000.0,
	    ms == j->kind->deadline_ms ? "" : " (timeout in pgo.toml)");
}

static void
on_ended(void *ctx, int wstatus)
{
	struct job *j = ctx;
	auto_free char *overran = overran_text(j);
	char text[64] = "";
	int status = WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);

	if (!WIFEXITED(wstatus))
		proc_status_text(wstatus, text, sizeof(text));
	log_debug("job ended service=%s kind=%s job=%lld status=%d", j->service, j->kind->name, j->id, status);
	if (j->overran)
		log_warn("%s service=%s job=%lld", overran, j->service, j->id);
	if (!j->orphan)
		report_exit(j->jobs, j->id, j->overran ? -1 : status, j->overran ? overran : text);
	job_free(j);
}

/* The next step towards the end: TERM, then KILL, then KILL again for what was forked meanwhile. */
static void
end_step(struct job *j)
{
	switch (j->state) {
	case JOB_WAITING:
		give_up(j, "ended while it waited for an earlier job of the service");
		return;
	case JOB_RUNNING:
		session_signal(j->child.pid, SIGTERM);
		j->state = JOB_ENDING;
		set_timer(j, j->kind->grace_ms);
		return;
	case JOB_ENDING:
	case JOB_KILLED:
		session_signal(j->child.pid, SIGKILL);
		j->state = JOB_KILLED;
		set_timer(j, KILL_AGAIN_MS);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;

	(void)fd;
	(void)what;
	if (j->state == JOB_WAITING) {
		try_start(j);
		return;
	}
	if (j->state == JOB_RUNNING)
		j->overran = true;
	end_step(j);
}

static void
start(struct job *j, int lockfd)
{
	struct jobrun run = {j->kind, j->service, &j->operands, j->stdio, lockfd, j->cols, j->rows};
	auto_close int terminal = -1;
	struct err err = ERR_INIT;
	pid_t pid = 0;

	if (jobrun_spawn(j->jobs->facts, &run, &pid, &terminal, &err) < 0) {
		log_warn(
		    "cannot start a job: %s service=%s kind=%s job=%lld", err.msg, j->service, j->kind->name, j->id);
		give_up(j, err.msg);
		return;
	}
	children_add(j->jobs->children, &j->child, pid, on_ended, j);
	if (lockfd >= 0)
		lock_write(lockfd, pid, j->kind->name);
	close_stdio(j); /* the job's only: its reader must see the end when the job closes them */
	j->state = JOB_RUNNING;
	set_timer(j, deadline_ms(j->jobs, j->kind, j->service));
	log_debug(
	    "job started service=%s kind=%s job=%lld pid=%d", j->service, j->kind->name, j->id, (int)j->child.pid);
	report(j, "job-started", j->child.pid, terminal);
}

/* The job of this pgod that holds the service's lock, NULL when there is none. */
static const struct job *
own_holder(const struct job *waiting)
{
	const struct job *j;

	LIST_FOREACH(j, &waiting->jobs->list, link)
	{
		if (j->state != JOB_WAITING && (j->kind->flags & JOB_LOCK) != 0 && str_eq(j->service, waiting->service))
			return j;
	}
	return NULL;
}

static int
old_rest_ms(const struct job *waiting, const struct lock_note *n)
{
	const struct job_kind *k = job_kind_find(n->kind);
	long long deadline = k == NULL ? UNKNOWN_DEADLINE_MS : deadline_ms(waiting->jobs, k, waiting->service);

	if (n->age_ms < 0 || n->age_ms >= deadline)
		return 0;
	return (int)(deadline - n->age_ms);
}

/* An earlier pgod's job has the same deadline as if that pgod still lived. */
static void
bound_old_job(struct job *j)
{
	const struct facts *f = j->jobs->facts;
	long long now = io_now_ms();
	struct lock_note note;

	if (!j->told) {
		lock_read(f->dirfd, j->service, &note);
		j->old_end_ms = now + old_rest_ms(j, &note);
		log_info("waiting for a job of an earlier pgod service=%s kind=%s pid=%d", j->service, note.kind,
		    (int)note.pid);
		report(j, "job-waiting", note.pid, -1);
		j->told = true;
	} else if (now >= j->old_end_ms + OLD_GRACE_MS) {
		lock_signal_holders(f->dirfd, j->service, SIGKILL);
	} else if (now >= j->old_end_ms && !j->old_termed) {
		j->old_termed = true;
		log_warn("ending a job of an earlier pgod that overran its deadline service=%s", j->service);
		lock_signal_holders(f->dirfd, j->service, SIGTERM);
	}
}

static void
wait_for_lock(struct job *j)
{
	const struct job *holder = own_holder(j);

	if (holder == NULL)
		bound_old_job(j);
	else if (holder->orphan && !j->told) {
		report(j, "job-waiting", holder->child.pid, -1);
		j->told = true;
		j->old_end_ms = io_now_ms() + UNKNOWN_DEADLINE_MS;
	}
	set_timer(j, LOCK_RETRY_MS);
}

static void
try_start(struct job *j)
{
	auto_close int lockfd = -1;
	struct err err = ERR_INIT;

	if ((j->kind->flags & JOB_LOCK) != 0) {
		lockfd = lock_take(j->jobs->facts->dirfd, j->service, &err);
		if (lockfd == -EBUSY) {
			wait_for_lock(j);
			return;
		}
		if (lockfd < 0) {
			give_up(j, err.msg);
			return;
		}
	}
	start(j, lockfd);
}

static struct job *
find(const struct jobs *js, long long id)
{
	struct job *j;

	LIST_FOREACH(j, &js->list, link)
	{
		if (j->id == id && !j->orphan)
			return j;
	}
	return NULL;
}

/* What core can get wrong only by a bug or in someone else's hands: it is dropped for it. */
static int
check_rules(const struct jobs *js, const struct msg *m, struct err *err)
{
	if (find(js, msg_int(m, "id")) != NULL)
		return err_set(err, EBADMSG, "job: the id is in use");
	return job_check_stdio(msg_str(m, "stdio"), m->nfds, err);
}

/* What a job may not be, although the message is well formed: an answer, not the end of core. */
static int
check_menu(const struct jobs *js, const struct msg *m, const struct strv *operands, const struct job_kind **ret_k,
    struct err *err)
{
	const char *service = msg_str(m, "service");
	const struct job_kind *k = job_kind_find(msg_str(m, "kind"));

	if (k == NULL)
		return err_set(err, EINVAL, "there is no such kind of job");
	/* The name becomes part of paths and arguments. */
	if (!str_is_service_name(service))
		return err_set(err, EINVAL, "not the name of a service");
	*ret_k = k;
	if (job_check_room(k, jobs_count(js), err) < 0 ||
	    job_check_terminal(k, msg_int(m, "cols"), msg_int(m, "rows"), m->nfds, err) < 0 ||
	    job_check_third(k, msg_str(m, "stdio"), err) < 0)
		return -err->num;
	return job_check_operands(k, operands, err);
}

static struct job *
job_new(struct jobs *js, const struct job_kind *k, struct msg *m, struct strv *take_operands)
{
	struct job *j = calloc(1, sizeof(*j));
	const char *stdio = msg_str(m, "stdio");

	if (j == NULL)
		abort();
	j->jobs = js;
	j->kind = k;
	j->id = msg_int(m, "id");
	j->service = str_dup(msg_str(m, "service"));
	j->cols = (int)msg_int(m, "cols");
	j->rows = (int)msg_int(m, "rows");
	j->operands = *take_operands;
	*take_operands = (struct strv){0};
	j->timer = evtimer_new(js->base, on_timer, j);
	if (j->timer == NULL)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(j->stdio); i++)
		j->stdio[i] = -1;
	for (size_t i = 0; stdio[i] != '\0'; i++)
		j->stdio[stdio[i] - '0'] = msg_take_fd(m, i);
	LIST_INSERT_HEAD(&js->list, j, link);
	return j;
}

int
jobs_start(struct jobs *js, struct msg *m, struct err *err)
{
	auto_strv struct strv operands = {0};
	const struct job_kind *k = NULL;
	struct err why = ERR_INIT;
	int rc = check_rules(js, m, err);

	if (rc < 0)
		return rc;
	if (!strv_unpack(msg_str(m, "args"), &operands))
		return err_set(err, EBADMSG, "job: args are malformed");
	if (check_menu(js, m, &operands, &k, &why) < 0) {
		log_warn("refused a job: %s service=%s kind=%s", why.msg, msg_str(m, "service"), msg_str(m, "kind"));
		report_exit(js, msg_int(m, "id"), -1, why.msg);
		return 0;
	}
	try_start(job_new(js, k, m, &operands));
	return 0;
}

static const struct {
	const char *name;
	int number;
} signals[] = {{"INT", SIGINT}, {"QUIT", SIGQUIT}, {"HUP", SIGHUP}, {"WINCH", SIGWINCH}};

int
jobs_kill(struct jobs *js, const struct msg *m, struct err *err)
{
	struct job *j = find(js, msg_int(m, "id"));
	const char *name = msg_str(m, "signal");

	if (str_eq(name, "TERM")) {
		if (j != NULL && (j->state == JOB_WAITING || j->state == JOB_RUNNING))
			end_step(j);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (!str_eq(name, signals[i].name))
			continue;
		if (j != NULL && j->state != JOB_WAITING)
			kill(-j->child.pid, signals[i].number);
		return 0;
	}
	return err_set(err, EBADMSG, "kill: not one of the signals");
}

void
jobs_end(struct jobs *js, bool locked)
{
	struct job *j = LIST_FIRST(&js->list);

	while (j != NULL) {
		struct job *next = LIST_NEXT(j, link); /* ending a waiting job frees it */

		if ((j->state == JOB_WAITING || j->state == JOB_RUNNING) &&
		    (locked || (j->kind->flags & (JOB_LOCK | JOB_ANSWERS)) == 0))
			end_step(j);
		j = next;
	}
}

void
jobs_kill_all(struct jobs *js)
{
	struct job *j = LIST_FIRST(&js->list);

	while (j != NULL) {
		struct job *next = LIST_NEXT(j, link);

		if (j->state == JOB_RUNNING)
			j->state = JOB_ENDING;
		end_step(j);
		j = next;
	}
}

static void
disown(struct job *j)
{
	j->orphan = true;
	close_stdio(j);
	if (j->state == JOB_WAITING || (j->state == JOB_RUNNING && (j->kind->flags & JOB_LOCK) == 0))
		end_step(j);
}

void
jobs_set_core(struct jobs *js, struct channel *core)
{
	struct job *j = LIST_FIRST(&js->list);

	js->core = core;
	while (core == NULL && j != NULL) {
		struct job *next = LIST_NEXT(j, link);

		disown(j);
		j = next;
	}
}
