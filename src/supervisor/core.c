#include "supervisor/core.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/proc.h"
#include "supervisor/apps.h"
#include "supervisor/deploykey.h"
#include "supervisor/dirs.h"
#include "supervisor/engine.h"
#include "supervisor/role.h"

enum {
	PROTOCOL = 1,
	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 1000,	      /* nobody looks after the services in the meantime */
	BACKOFF_RESET_MS = 60 * 1000, /* a core that lived so long starts over at the minimum */
	GONE_GRACE_MS = 5 * 1000,     /* between the channel's end and KILL */
};

enum core_state { CORE_GREETING, CORE_READY };

struct core {
	struct event_base *base;
	struct children *children;
	const struct facts *facts;
	struct core_handler handler;
	struct child child;
	struct channel *channel;
	bool runs;
	bool quitting;
	int backoff_ms;
	long long started_ms;
	struct event *timer; /* running: KILL; not running: the next start */
};

static int
on_hello(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;

	if (msg_int(m, "protocol") != PROTOCOL)
		return err_set(
		    err, EPROTO, "pgod-core speaks another version of the protocol: it belongs to another pgod");
	channel_state(c->channel, CORE_READY);
	log_info("core is up pid=%d", (int)c->child.pid);
	c->handler.ready(c->handler.ctx, c->channel);
	return 0;
}

static int
on_job(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;

	return c->handler.job(c->handler.ctx, m, err);
}

static int
on_kill(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;

	return c->handler.kill(c->handler.ctx, m, err);
}

static int
on_hold(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;

	return c->handler.hold(c->handler.ctx, m, err);
}

static int
on_pin(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;

	return c->handler.pin(c->handler.ctx, m, err);
}

static int
on_upstreams(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;

	return c->handler.upstreams(c->handler.ctx, m, err);
}

static int
on_settled(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;

	(void)m;
	(void)err;
	c->handler.settled(c->handler.ctx);
	return 0;
}

static int
on_engine(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;
	struct err why = ERR_INIT;
	auto_close int fd = engine_connect(c->facts->engine_path, &why);

	(void)err; /* an engine that is away is an answer */
	channel_send(c->channel, msg_new("engine", "sIss", "id", (json_int_t)msg_int(m, "id"), "error", why.msg), &fd,
	    fd >= 0 ? 1 : 0);
	return 0;
}

static int
on_retire(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;
	const char *service = msg_str(m, "service");
	struct err why = ERR_INIT;

	(void)err;
	if (dirs_retire(c->facts, service, &why) < 0) {
		log_warn("cannot put the directories of a service away: %s service=%s", why.msg, service);
	} else {
		c->handler.retired(c->handler.ctx, service);
		log_info("put the directories of a service away in %s/.removed service=%s", c->facts->dir, service);
	}
	channel_send(c->channel, msg_new("retired", "ssss", "service", service, "error", why.msg), NULL, 0);
	return 0;
}

static int
on_app_create(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;
	const struct conf_service *s = NULL;
	const char *name = msg_str(m, "name");
	struct err why = ERR_INIT;

	(void)err; /* a name that is taken is an answer */
	if (apps_create(c->facts->apps, name, &s, &why) < 0) {
		auto_buf struct buf vis = BUF_INIT(256);

		buf_vis(&vis, name, strlen(name), false);
		log_warn("cannot make the app %s: %s", buf_str(&vis), why.msg);
	} else {
		log_info("made an app service=%s uid=%u", s->name, s->uid);
		channel_send(c->channel, msg_new("app", "sssI", "name", name, "uid", (json_int_t)s->uid), NULL, 0);
		c->handler.made(c->handler.ctx, c->channel, s);
	}
	channel_send(
	    c->channel, msg_new("app-answer", "sIss", "id", (json_int_t)msg_int(m, "id"), "error", why.msg), NULL, 0);
	return 0;
}

static int
on_deploy_key(void *ctx, struct msg *m, struct err *err)
{
	struct core *c = ctx;
	const char *service = msg_str(m, "service");
	auto_free char *line = NULL;
	struct err why = ERR_INIT;
	int rc;

	if (conf_find(c->facts->conf, service) == NULL)
		return err_set(err, ENOENT, "a deploy key for a service that is not configured");
	rc = deploykey_line(c->facts, service, msg_bool(m, "renew"), &line, &why);
	if (rc < 0)
		log_err("%s service=%s", why.msg, service);
	channel_send(c->channel,
	    msg_new("deploy-key", "sIssss", "id", (json_int_t)msg_int(m, "id"), "line", line != NULL ? line : "",
		"error", rc < 0 ? why.msg : ""),
	    NULL, 0);
	return 0;
}

static const struct channel_rule rules[] = {
    {"hello", 1U << CORE_GREETING, on_hello},
    {"job", 1U << CORE_READY, on_job},
    {"kill", 1U << CORE_READY, on_kill},
    {"engine", 1U << CORE_READY, on_engine},
    {"pin", 1U << CORE_READY, on_pin},
    {"upstreams", 1U << CORE_READY, on_upstreams},
    {"settled", 1U << CORE_READY, on_settled},
    {"app-create", 1U << CORE_READY, on_app_create},
    {"retire", 1U << CORE_READY, on_retire},
    {"hold", 1U << CORE_READY, on_hold},
    {"deploy-key", 1U << CORE_READY, on_deploy_key},
};

static void
set_timer(struct core *c, int ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	event_add(c->timer, &tv);
}

/* Tells once that core cannot be spoken to any more, whichever is seen first: its channel's end or its own. */
static void
let_go(struct core *c)
{
	if (c->channel == NULL)
		return;
	channel_free(c->channel);
	c->channel = NULL;
	c->handler.gone(c->handler.ctx);
}

static void
on_closed(void *ctx, const struct err *err)
{
	struct core *c = ctx;

	if (err->num != 0)
		log_err("dropping core: %s", err->msg);
	let_go(c);
	kill(c->child.pid, SIGTERM);
	set_timer(c, GONE_GRACE_MS);
}

static void
on_ended(void *ctx, int wstatus)
{
	struct core *c = ctx;
	char text[64];

	c->runs = false;
	event_del(c->timer);
	let_go(c);
	if (c->quitting) {
		log_debug("core ended: %s", proc_status_text(wstatus, text, sizeof(text)));
		return;
	}
	if (io_now_ms() - c->started_ms >= BACKOFF_RESET_MS)
		c->backoff_ms = BACKOFF_MIN_MS;
	log_err("core ended (%s); starting it again in %d ms", proc_status_text(wstatus, text, sizeof(text)),
	    c->backoff_ms);
	set_timer(c, c->backoff_ms);
	c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct core *c = arg;
	struct err err = ERR_INIT;

	(void)fd;
	(void)what;
	if (c->runs) {
		kill(c->child.pid, SIGKILL);
	} else if (!c->quitting && core_start(c, &err) < 0) {
		log_err("%s", err.msg);
		set_timer(c, BACKOFF_MAX_MS);
	}
}

struct core *
core_new(struct event_base *base, struct children *children, const struct facts *facts, const struct core_handler *h)
{
	struct core *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->base = base;
	c->children = children;
	c->facts = facts;
	c->handler = *h;
	c->backoff_ms = BACKOFF_MIN_MS;
	c->timer = evtimer_new(base, on_timer, c);
	if (c->timer == NULL)
		abort();
	return c;
}

int
core_start(struct core *c, struct err *err)
{
	const struct channel_spec spec = {.name = "core",
	    .recv = CORE_TO_PGOD,
	    .send = PGOD_TO_CORE,
	    .rules = rules,
	    .nrules = ARRAY_LEN(rules),
	    .closed = on_closed,
	    .ctx = c};
	auto_close int ours = -1;
	auto_close int theirs = -1;
	auto_free char *state = str_printf("%s/.state", c->facts->dir);
	pid_t pid = 0;
	int pair[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "cannot make a channel");
	ours = pair[0];
	theirs = pair[1];
	rc = role_spawn(c->facts,
	    &(struct role){.program = "pgod-core", .account = &c->facts->core, .fds = &theirs, .nfds = 1, .cwd = state},
	    &pid, err);
	if (rc < 0)
		return rc;
	c->runs = true;
	c->started_ms = io_now_ms();
	children_add(c->children, &c->child, pid, on_ended, c);
	c->channel = channel_new(c->base, take_fd(&ours), &spec);
	c->handler.started(c->handler.ctx, c->channel);
	return 0;
}

void
core_quit(struct core *c)
{
	c->quitting = true;
	if (c->channel != NULL)
		channel_send(c->channel, msg_new("quit", ""), NULL, 0);
	else if (!c->runs)
		event_del(c->timer);
}

void
core_signal(const struct core *c, int sig)
{
	if (c->runs)
		kill(c->child.pid, sig);
}

struct channel *
core_channel(const struct core *c)
{
	return c->channel;
}

bool
core_runs(const struct core *c)
{
	return c->runs;
}

void
core_free(struct core *c)
{
	if (c == NULL)
		return;
	channel_free(c->channel);
	event_free(c->timer);
	free(c);
}
