#include "supervisor/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "supervisor/pin.h"
#include "supervisor/share.h"

enum {
	PINS_RUNNING_MAX = 8,
	PINS_QUEUED_MAX = 4096,
	PIN_DEADLINE_MS = 20 * 1000,
	REPORT_FD = 3, /* of the child */
};

struct order {
	TAILQ_ENTRY(order) entry;
	struct pins *pins;
	long long id; /* of core's message; 0: nobody waits */
	char *service;
	struct pin_set set;
	bool fresh;
	bool exact;
	struct child child;
	struct event *deadline; /* while it runs */
	bool stuck;		/* past it: told to die, which it does when the file system answers */
	int report;		/* read end: the error's sentence */
};
TAILQ_HEAD(order_list, order);

struct pins {
	struct event_base *base;
	struct children *children;
	const struct facts *facts;
	struct channel *core;
	struct order_list waiting;
	struct order_list running;
	size_t nwaiting;
	size_t nrunning; /* without those that are stuck */
};

static void run_next(struct pins *ps);

static void
order_free(struct order *o)
{
	if (o->deadline != NULL)
		event_free(o->deadline);
	auto_close_(&o->report);
	free(o->service);
	pin_set_done(&o->set);
	free(o);
}

static void
answer(struct order *o, const char *error)
{
	if (error[0] != '\0')
		log_warn("%s service=%s", error, o->service);
	if (o->id != 0 && o->pins->core != NULL)
		channel_send(
		    o->pins->core, msg_new("pinned", "sIss", "id", (json_int_t)o->id, "error", error), NULL, 0);
	o->id = 0;
}

static struct order *
running_for(const struct pins *ps, const char *service)
{
	struct order *o;

	TAILQ_FOREACH(o, &ps->running, entry)
	{
		if (str_eq(o->service, service))
			return o;
	}
	return NULL;
}

static void
on_ended(void *ctx, int wstatus)
{
	struct order *o = ctx;
	struct pins *ps = o->pins;
	auto_buf struct buf text = BUF_INIT(ERR_MSG_MAX);

	io_read_all(o->report, &text, NULL);
	if (wstatus != 0 && text.len == 0)
		buf_str_add(&text, "the pinning was killed");
	if (!o->stuck) {
		answer(o, buf_str(&text));
		ps->nrunning--;
	}
	TAILQ_REMOVE(&ps->running, o, entry);
	order_free(o);
	run_next(ps);
}

static void
on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct order *o = ctx;
	const struct conf_service *s = conf_find(o->pins->facts->conf, o->service);
	auto_free char *text = str_printf("what it mounts was not at hand after %d s: does %s answer?",
	    PIN_DEADLINE_MS / 1000, s != NULL && s->mount != NULL ? s->mount : "a network file system");

	(void)fd;
	(void)what;
	o->stuck = true;
	o->pins->nrunning--;
	kill(-o->child.pid, SIGKILL); /* and mount(8), which waits for the server */
	answer(o, text);
	run_next(o->pins);
}

static int
carry_out(const struct order *o, struct err *err)
{
	const struct facts *f = o->pins->facts;
	const struct conf_service *s = conf_find(f->conf, o->service);
	struct share share = {
	    .run = f->run, .dir = f->dir, .datadir = f->datadir, .service = o->service, .program = f->mount};
	struct pin_order pin = {.run = f->run,
	    .dir = f->dir,
	    .datadir = f->datadir,
	    .service = o->service,
	    .pins = &o->set,
	    .fresh = o->fresh,
	    .exact = o->exact};
	int rc = 0;

	share.url = s != NULL ? s->mount : NULL;
	/* Before the pins, which would else be of the directory below it. */
	if (share.url != NULL)
		rc = share_mount(&share, err);
	if (rc >= 0)
		rc = pin_apply(&pin, err);
	return rc < 0 || s != NULL ? rc : share_unmount(&share, err);
}

/* Forked and not executed: it needs what only root may, and reads nothing that is foreign. */
static void
child_run(const struct order *o, int report)
{
	struct err err = ERR_INIT;
	sigset_t all;

	/* Signals are for the parent, whose handlers would run here. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	/* None of pgod's locks lives as long as a file system hangs. */
	if (dup2(report, REPORT_FD) < 0 || close_range(REPORT_FD + 1, ~0U, 0) < 0)
		_exit(EXIT_FAILURE);
	if (carry_out(o, &err) >= 0)
		_exit(EXIT_SUCCESS);
	io_write_all(REPORT_FD, err.msg, strlen(err.msg), NULL);
	_exit(EXIT_FAILURE);
}

static int
start(struct order *o, struct err *err)
{
	static const struct timeval deadline = {PIN_DEADLINE_MS / 1000, 0};
	struct pins *ps = o->pins;
	auto_close int write_end = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, "cannot make a pipe");
	o->report = fds[0];
	write_end = fds[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, "cannot start a process");
	if (pid == 0)
		child_run(o, write_end);
	o->deadline = evtimer_new(ps->base, on_deadline, o);
	if (o->deadline == NULL || event_add(o->deadline, &deadline) < 0)
		abort();
	children_add(ps->children, &o->child, pid, on_ended, o);
	TAILQ_INSERT_TAIL(&ps->running, o, entry);
	ps->nrunning++;
	return 0;
}

/* One that can start, or be refused, now. */
static struct order *
next_order(const struct pins *ps)
{
	struct order *o;

	TAILQ_FOREACH(o, &ps->waiting, entry)
	{
		const struct order *other = running_for(ps, o->service);

		if (other == NULL ? ps->nrunning < PINS_RUNNING_MAX : other->stuck)
			return o;
	}
	return NULL;
}

static void
run_next(struct pins *ps)
{
	struct order *o;

	while ((o = next_order(ps)) != NULL) {
		const struct order *stuck = running_for(ps, o->service);
		struct err err = ERR_INIT;

		TAILQ_REMOVE(&ps->waiting, o, entry);
		ps->nwaiting--;
		if (stuck == NULL && start(o, &err) >= 0)
			continue;
		answer(o,
		    stuck != NULL ? "an earlier pinning still hangs in a file system that does not answer" : err.msg);
		order_free(o);
	}
}

static void
enqueue(struct pins *ps, struct order *take_o)
{
	TAILQ_INSERT_TAIL(&ps->waiting, take_o, entry);
	ps->nwaiting++;
	run_next(ps);
}

static struct order *
order_new(struct pins *ps, long long id, const char *service)
{
	struct order *o = calloc(1, sizeof(*o));

	if (o == NULL)
		abort();
	o->pins = ps;
	o->id = id;
	o->service = str_dup(service);
	o->report = -1;
	return o;
}

int
pins_order(struct pins *ps, struct msg *m, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(PIN_SET_BYTES);
	auto_close int fd = msg_take_fd(m, 0);
	auto_pin_set struct pin_set set = {0};
	struct order *o;
	int rc = 0;

	if (conf_find(ps->facts->conf, msg_str(m, "service")) == NULL)
		return err_set(err, ENOENT, "pins for a service that is not configured");
	if (ps->nwaiting >= PINS_QUEUED_MAX)
		return err_set(err, E2BIG, "more than %d orders for pins wait", PINS_QUEUED_MAX);
	rc = io_memfd_read(fd, &text, err);
	if (rc >= 0)
		rc = pin_set_unpack(buf_str(&text), text.len, &set, err);
	if (rc < 0)
		return rc;
	o = order_new(ps, msg_int(m, "id"), msg_str(m, "service"));
	o->set = set;
	set = (struct pin_set){0};
	o->fresh = msg_bool(m, "fresh");
	o->exact = msg_bool(m, "exact");
	enqueue(ps, o);
	return 0;
}

void
pins_drop(struct pins *ps, const char *service)
{
	struct order *o = order_new(ps, 0, service);

	o->exact = true;
	enqueue(ps, o);
}

static void
orders_free(struct order_list *list)
{
	struct order *o;

	while ((o = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, o, entry);
		order_free(o);
	}
}

/* The next core counts from one again, and asks for what it needs. The pins of a service that has gone still go. */
static void
forget_core(struct pins *ps)
{
	struct order_list kept = TAILQ_HEAD_INITIALIZER(kept);
	struct order *o;

	TAILQ_FOREACH(o, &ps->running, entry)
	o->id = 0;
	while ((o = TAILQ_FIRST(&ps->waiting)) != NULL) {
		TAILQ_REMOVE(&ps->waiting, o, entry);
		if (o->id == 0) {
			TAILQ_INSERT_TAIL(&kept, o, entry);
			continue;
		}
		order_free(o);
		ps->nwaiting--;
	}
	TAILQ_CONCAT(&ps->waiting, &kept, entry);
}

void
pins_set_core(struct pins *ps, struct channel *core)
{
	ps->core = core;
	if (core == NULL)
		forget_core(ps);
}

struct pins *
pins_new(struct event_base *base, struct children *children, const struct facts *facts)
{
	struct pins *ps = calloc(1, sizeof(*ps));

	if (ps == NULL)
		abort();
	ps->base = base;
	ps->children = children;
	ps->facts = facts;
	TAILQ_INIT(&ps->waiting);
	TAILQ_INIT(&ps->running);
	return ps;
}

void
pins_free(struct pins *ps)
{
	if (ps == NULL)
		return;
	orders_free(&ps->waiting);
	orders_free(&ps->running);
	free(ps);
}
