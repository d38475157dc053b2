#include "supervisor/pgod.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "supervisor/apps.h"
#include "supervisor/clients.h"
#include "supervisor/compose.h"
#include "supervisor/config.h"
#include "supervisor/core.h"
#include "supervisor/dirs.h"
#include "supervisor/engine.h"
#include "supervisor/hold.h"
#include "supervisor/hostkey.h"
#include "supervisor/jobs.h"
#include "supervisor/listen.h"
#include "supervisor/notify.h"
#include "supervisor/pin.h"
#include "supervisor/pins.h"
#include "supervisor/proxy.h"
#include "supervisor/signers_watch.h"
#include "supervisor/stop.h"
#include "supervisor/watch.h"
#include "supervisor/web.h"

enum { EXIT_RECONFIGURED = 2, PROBLEM_MAX = 8192 };

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, NSIGNALS };

struct pgod {
	const struct options *options;
	struct kept *kept; /* the sockets of the pgod before */
	struct config config;
	struct facts facts;
	struct apps *apps;
	int claim;   /* the lock on <dir> */
	int hostkey; /* sealed memfd */
	int status;  /* to exit with */
	struct event_base *base;
	struct children *children;
	struct listener *listener;
	struct jobs *jobs;
	struct pins *pins;
	struct proxy *proxy;
	struct clients *clients;
	struct core *core;
	struct web *web;
	struct holds *holds;
	struct watch *watch;
	struct signers_watch *signers;
	struct stop *stop;
	struct event *signals[NSIGNALS];
	struct event *watchdog;
};

static void
stop(struct pgod *p, int status, const char *why)
{
	if (!stop_begun(p->stop)) {
		log_info("stopping: %s", why);
		proxy_quit(p->proxy);
		notify("STOPPING=1");
		p->status = status;
		listener_free(p->listener);
		p->listener = NULL;
	} else {
		log_info("not waiting any longer: %s", why);
	}
	stop_next(p->stop);
}

static void
log_problems(const struct config *c)
{
	for (size_t i = 0; i < c->warnings.n; i++)
		log_warn("%s", c->warnings.v[i]);
	for (size_t i = 0; i < c->problems.n; i++)
		log_err("%s", c->problems.v[i]);
}

/* The running daemon never takes a configuration in: it only finds out whether the next pgod could start with it. */
static void
reconfigure(struct pgod *p, const char *why)
{
	auto_config struct config next = CONFIG_INIT;
	struct err err = ERR_INIT;

	if (stop_begun(p->stop))
		return;
	if (config_load(p->options->config, p->facts.libexec, &next, &err) == 0) {
		stop(p, EXIT_RECONFIGURED, why);
		return;
	}
	log_problems(&next);
	log_err("%s; carrying on with the configuration from the start", err.msg);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct pgod *p = arg;

	(void)what;
	if (sig == SIGHUP)
		reconfigure(p, "SIGHUP, and the configuration is valid");
	else
		stop(p, EXIT_SUCCESS, sig == SIGINT ? "SIGINT" : "SIGTERM");
}

static void
on_config_changed(void *ctx)
{
	reconfigure(ctx, "the configuration has changed, and is valid");
}

static void
on_accepted(void *ctx, int take_fd, const struct sockaddr_storage *peer)
{
	struct pgod *p = ctx;

	clients_accept(p->clients, core_channel(p->core), take_fd, peer);
}

static void
on_held(void *ctx, const char *service, bool held, const char *note)
{
	struct pgod *p = ctx;
	struct channel *ch = core_channel(p->core);

	if (ch != NULL)
		channel_send(ch, msg_new("hold", "sssbss", "service", service, "held", held, "note", note), NULL, 0);
}

static int
on_job(void *ctx, struct msg *m, struct err *err)
{
	struct pgod *p = ctx;

	return jobs_start(p->jobs, m, err);
}

static int
on_kill(void *ctx, struct msg *m, struct err *err)
{
	struct pgod *p = ctx;

	return jobs_kill(p->jobs, m, err);
}

/* Core asks for a stop file, or for the end of one: what core may not do itself. */
static int
on_hold(void *ctx, struct msg *m, struct err *err)
{
	struct pgod *p = ctx;
	struct err why = ERR_INIT;

	(void)err; /* a full disk is an answer */
	if (holds_set(p->holds, msg_str(m, "service"), msg_bool(m, "held"), msg_str(m, "note"), &why) < 0)
		log_err("%s service=%s", why.msg, msg_str(m, "service"));
	channel_send(core_channel(p->core),
	    msg_new("held", "sIss", "id", (json_int_t)msg_int(m, "id"), "error", why.msg), NULL, 0);
	return 0;
}

static int
on_pin(void *ctx, struct msg *m, struct err *err)
{
	struct pgod *p = ctx;

	return pins_order(p->pins, m, err);
}

static int
on_upstreams(void *ctx, struct msg *m, struct err *err)
{
	struct pgod *p = ctx;

	return proxy_order(p->proxy, m, err);
}

/* Before the engine starts: it is ordered behind us, and what its containers mount is pinned now. */
static void
on_settled(void *ctx)
{
	(void)ctx;
	notify("READY=1");
}

static void
on_retired(void *ctx, const char *service)
{
	struct pgod *p = ctx;

	pins_drop(p->pins, service);
	if (conf_find(p->config.conf, service) != NULL) {
		holds_drop(p->holds, service);
		apps_drop(p->apps, service);
	}
}

static void
send_service(const struct pgod *p, struct channel *ch, const struct conf_service *s)
{
	auto_buf struct buf problem = BUF_INIT(PROBLEM_MAX);

	dirs_service(&p->facts, s, &problem);
	if (problem.len > 0)
		log_err("%s service=%s", buf_str(&problem), s->name);
	channel_send(ch, msg_new("service", "ssss", "name", s->name, "problem", buf_str(&problem)), NULL, 0);
}

static void
on_made(void *ctx, struct channel *ch, const struct conf_service *s)
{
	struct pgod *p = ctx;

	holds_add(p->holds, s);
	send_service(p, ch, s);
	holds_look(p->holds, s->name);
}

static void
on_core_started(void *ctx, struct channel *ch)
{
	struct pgod *p = ctx;
	struct err err = ERR_INIT;

	jobs_set_core(p->jobs, ch);
	pins_set_core(p->pins, ch);
	proxy_set_core(p->proxy, ch);
	if (config_send(&p->config, ch, &err) < 0) {
		log_err("cannot hand the configuration to core: %s", err.msg);
		core_signal(p->core, SIGTERM);
		return;
	}
	for (size_t i = 0; i < conf_count(p->config.conf); i++)
		send_service(p, ch, conf_at(p->config.conf, i));
	holds_tell_all(p->holds);
}

static void
on_core_ready(void *ctx, struct channel *ch)
{
	struct pgod *p = ctx;

	web_set_core(p->web, ch);
	if (p->listener == NULL)
		return;
	listener_enable(p->listener, true);
	clients_ready(p->clients);
}

static void
on_core_gone(void *ctx)
{
	struct pgod *p = ctx;

	jobs_set_core(p->jobs, NULL);
	pins_set_core(p->pins, NULL);
	web_set_core(p->web, NULL);
	proxy_set_core(p->proxy, NULL);
	if (p->listener != NULL)
		listener_enable(p->listener, false); /* the kernel keeps new connections until core is back */
}

static int
need_root(struct pgod *p, struct err *err)
{
	(void)p;
	return geteuid() != 0 ? err_set(err, EPERM, "pgod must run as root") : 0;
}

static int
need_config(struct pgod *p, struct err *err)
{
	int rc = config_load(p->options->config, p->facts.libexec, &p->config, err);

	log_problems(&p->config);
	if (rc < 0)
		return rc;
	p->config.conf->dir = str_dup(p->options->dir);
	p->config.conf->datadir = str_dup(p->options->datadir);
	p->config.conf->pins = pin_dir(p->facts.run, p->options->dir);
	p->config.conf->poll_ms = p->options->duration_ms;
	p->config.conf->started_ms = io_wall_ms();
	p->facts.conf = p->config.conf;
	p->facts.accounts = p->config.accounts;
	return 0;
}

static int
need_accounts(struct pgod *p, struct err *err)
{
	return facts_find_accounts(&p->facts, p->options->metric[0] != '\0', err);
}

static int
need_engine(struct pgod *p, struct err *err)
{
	return engine_path(getenv("DOCKER_HOST"), &p->facts.engine_path, err);
}

static int
need_dir(struct pgod *p, struct err *err)
{
	p->facts.dirfd = dirs_open(p->options->dir, err);
	if (p->facts.dirfd < 0)
		return p->facts.dirfd;
	p->claim = dirs_claim(p->facts.dirfd, p->options->dir, err);
	return p->claim < 0 ? p->claim : dirs_base(&p->facts, err);
}

static int
need_apps(struct pgod *p, struct err *err)
{
	return apps_open(&p->facts, p->config.conf, &p->apps, err);
}

static int
need_listener(struct pgod *p, struct err *err)
{
	p->listener = listener_new(p->base, p->options->ssh, p->kept, &(struct listener_handler){on_accepted, p}, err);
	return p->listener == NULL ? -err->num : 0;
}

static int
need_hostkey(struct pgod *p, struct err *err)
{
	p->hostkey = hostkey_load(&p->facts, err);
	return p->hostkey;
}

static int
need_compose(struct pgod *p, struct err *err)
{
	return compose_find(&p->facts.compose, err);
}

static int
need_parts(struct pgod *p, struct err *err)
{
	const struct core_handler core = {
	    .job = on_job,
	    .kill = on_kill,
	    .hold = on_hold,
	    .pin = on_pin,
	    .upstreams = on_upstreams,
	    .settled = on_settled,
	    .made = on_made,
	    .retired = on_retired,
	    .started = on_core_started,
	    .ready = on_core_ready,
	    .gone = on_core_gone,
	    .ctx = p,
	};

	p->children = children_new(p->base, err);
	p->holds = holds_new(p->base, &p->facts, p->options->duration_ms, &(struct holds_handler){on_held, p}, err);
	if (p->children == NULL || p->holds == NULL)
		return -err->num;
	if (p->options->restart)
		p->watch = watch_new(
		    p->base, p->options->config, &p->config.bytes, &(struct watch_handler){on_config_changed, p}, err);
	if (p->options->restart && p->watch == NULL)
		return -err->num;
	p->jobs = jobs_new(p->base, p->children, &p->facts);
	p->pins = pins_new(p->base, p->children, &p->facts);
	p->proxy = proxy_new(p->base, p->children, &p->facts);
	p->clients = clients_new(p->base, p->children, &p->facts, p->hostkey);
	p->core = core_new(p->base, p->children, &p->facts, &core);
	p->signers = signers_watch_new(p->base, p->facts.conf, p->options->duration_ms, p->core);
	p->web = web_new(p->base, p->children, &p->facts, p->options->metric, p->kept);
	p->stop = stop_new(p->base, &(struct stop_parts){p->children, p->core, p->clients, p->jobs, p->web});
	return 0;
}

/* What ends pgod in order. */
static const int numbers[NSIGNALS] = {SIGTERM, SIGINT, SIGHUP};

/* Until there is something to stop in order, a signal waits: it must not end pgod half-way through its start. */
static void
hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(how, &set, NULL);
}

static int
need_signals(struct pgod *p, struct err *err)
{
	for (size_t i = 0; i < NSIGNALS; i++) {
		p->signals[i] = evsignal_new(p->base, numbers[i], on_signal, p);
		if (p->signals[i] == NULL || event_add(p->signals[i], NULL) < 0)
			return err_set(err, ENOMEM, "cannot watch signals");
	}
	hold_signals(SIG_UNBLOCK);
	p->watchdog = notify_watchdog(p->base);
	return 0;
}

static int
need_core(struct pgod *p, struct err *err)
{
	return core_start(p->core, err);
}

/* The start, in order: nothing is touched before everything that can be wrong with the command line, the configuration
 * and the machine was looked at, and no service before the port is ours. */
static int (*const steps[])(struct pgod *, struct err *) = {
    need_root,
    need_config,
    need_accounts,
    need_engine,
    need_dir,
    need_apps,
    need_listener,
    need_hostkey,
    need_compose,
    need_parts,
    need_signals,
    need_core,
};

static void
pgod_done(struct pgod *p)
{
	stop_free(p->stop);
	core_free(p->core);
	web_free(p->web);
	clients_free(p->clients);
	proxy_close(p->proxy);
	pins_free(p->pins);
	jobs_free(p->jobs);
	watch_free(p->watch);
	signers_watch_free(p->signers);
	holds_free(p->holds);
	listener_free(p->listener);
	children_free(p->children);
	for (size_t i = 0; i < NSIGNALS; i++) {
		if (p->signals[i] != NULL)
			event_free(p->signals[i]);
	}
	if (p->watchdog != NULL)
		event_free(p->watchdog);
	if (p->base != NULL)
		event_base_free(p->base);
	auto_close_(&p->hostkey);
	auto_close_(&p->claim);
	apps_free(p->apps);
	facts_done(&p->facts);
	config_done(&p->config);
}

int
pgod_run(const struct options *o, struct kept *kept)
{
	__attribute__((cleanup(pgod_done))) struct pgod p = {.options = o,
	    .kept = kept,
	    .config = CONFIG_INIT,
	    .claim = -1,
	    .hostkey = -1,
	    .facts = {.dirfd = -1,
		.datafd = -1,
		.dir = o->dir,
		.datadir = o->datadir,
		.run = facts_run(),
		.mount = facts_mount(),
		.libexec = facts_libexec(),
		.debug = o->debug}};
	struct err err = ERR_INIT;

	signal(SIGPIPE, SIG_IGN);
	hold_signals(SIG_BLOCK);
	umask(022);
	p.base = event_base_new();
	if (p.base == NULL)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (steps[i](&p, &err) < 0) {
			log_err("%s", err.msg);
			return EXIT_FAILURE;
		}
	}
	kept_done(kept);
	log_info("pgod %s is up dir=%s services=%zu", PGO_VERSION, o->dir, conf_count(p.config.conf));
	event_base_dispatch(p.base);
	log_info("stopped");
	return p.status;
}
