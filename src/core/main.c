/* pgod-core: the domain. Started by pgod with its working directory in <dir>/.state and the channel as descriptor 3. No
 * exec, no network, no file outside of that directory. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "core/core.h"
#include "core/ended.h"
#include "core/from_pgod.h"
#include "core/import.h"
#include "core/judge.h"
#include "core/op.h"
#include "core/pin.h"
#include "core/proxy.h"
#include "core/remove.h"
#include "core/service.h"
#include "core/svclog.h"
#include "core/uploaded.h"
#include "engine/engine.h"

enum { PGOD_FD = 3 };

/* Besides the few that every process needs: sqlite in its directory, memfds for the jobs' input, talk on the sockets it
 * is given. */
static const int syscalls[] = {
    SYS_openat,
    SYS_newfstatat,
    SYS_pread64,
    SYS_pwrite64,
    SYS_fsync,
    SYS_fdatasync,
    SYS_ftruncate,
    SYS_unlinkat,
    SYS_getdents64,
    SYS_mkdirat,
    SYS_renameat2,
    SYS_faccessat,
    SYS_getcwd,
    SYS_memfd_create,
    SYS_pipe2,
    SYS_socketpair,
    SYS_sendto,
    SYS_recvfrom,
    SYS_fallocate,
    SYS_fchmod,
    SYS_uname,
    SYS_readlinkat,
    SYS_statx,
#ifdef SYS_open
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_unlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_rename,
    SYS_readlink,
#endif
};

static const struct sandbox sandbox = {
    .role = "core",
    .syscalls = syscalls,
    .nsyscalls = ARRAY_LEN(syscalls),
    .dir = ".",
    .nofile = 4096,
    .may_fork = false,
};

/* --- the engine --- */

static void
engine_wants_connection(void *ctx, long long id)
{
	struct core *core = ctx;

	channel_send(core->pgod, msg_new("engine", "sI", "id", (json_int_t)id), NULL, 0);
}

static void
on_engine_up(void *ctx)
{
	struct core *core = ctx;

	core->engine_up = true;
	log_info("the engine answers containers=%zu", engine_container_count(core->engine));
	remove_unconfigured(core);
	proxy_changed(core, NULL);
	/* By name: what this sets going may change the order of the list. */
	for (size_t i = 0; i < conf_count(core->conf); i++)
		service_on_engine_up(core_service(core, conf_at(core->conf, i)->name));
}

static void
on_engine_down(void *ctx, const char *reason)
{
	struct core *core = ctx;
	struct service *svc;

	core->engine_up = false;
	snprintf(core->engine_reason, sizeof(core->engine_reason), "%s", reason);
	log_warn("the engine does not answer, containers may still run: %s", reason);
	TAILQ_FOREACH(svc, &core->services, entry)
	ended_on_engine_down(svc);
	proxy_changed(core, NULL);
}

static void
on_engine_changed(void *ctx, const char *project)
{
	struct service *svc = core_service(ctx, project);

	if (svc == NULL)
		return;
	proxy_changed(ctx, project);
	service_on_containers(svc);
}

static void
on_engine_oom(void *ctx, const struct container *c)
{
	struct service *svc = core_service(ctx, c->project);

	if (svc != NULL)
		oom_happened(svc, c);
}

/* --- pgod's messages --- */

static int
make_services(struct core *core, struct err *err)
{
	for (size_t i = 0; i < conf_count(core->conf); i++) {
		const struct conf_service *conf = conf_at(core->conf, i);
		struct service *svc = service_new(core, conf, err);

		if (svc == NULL)
			return err_wrap(err, "service %s", conf->name);
		TAILQ_INSERT_TAIL(&core->services, svc, entry);
	}
	core->loaded = true;
	import_refresh(core);
	for (size_t i = 0; i < conf_count(core->conf); i++)
		judge_current(core_service(core, conf_at(core->conf, i)->name));
	return 0;
}

int
core_on_config(void *ctx, struct msg *m, struct err *err)
{
	struct core *core = ctx;
	auto_close int fd = msg_take_fd(m, 0);
	auto_buf struct buf text = BUF_INIT(16 * 1024 * 1024);
	int rc = io_memfd_read(fd, &text, err);

	if (rc < 0)
		return rc;
	core->conf = conf_parse(buf_str(&text), text.len, err);
	if (core->conf == NULL)
		return -err->num;
	channel_state(core->pgod, CORE_RUNNING);
	rc = make_services(core, err);
	if (rc < 0)
		return rc;
	core->engine = engine_new(core->base, &(struct engine_spec){
						  .connect = engine_wants_connection,
						  .up = on_engine_up,
						  .down = on_engine_down,
						  .changed = on_engine_changed,
						  .oom = on_engine_oom,
						  .ctx = core,
					      });
	log_info("%zu services", conf_count(core->conf));
	core->proxy = proxy_new(core);
	core_pin_all(core);
	return 0;
}

/* Without pgod there is nothing that core may do. */
static void
on_pgod_closed(void *ctx, const struct err *err)
{
	struct core *core = ctx;

	if (err->num != 0)
		log_err("the channel to pgod: %s", err->msg);
	event_base_loopbreak(core->base);
}

/* --- start --- */

static struct event_base *
make_base(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base;

	/* No changelist, no locks, no signals: epoll and timers. */
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	return base;
}

static int
run(struct core *core, struct err *err)
{
	int rc = store_open(&core->store, err);

	if (rc >= 0)
		rc = store_key(core->key, err);
	if (rc >= 0)
		rc = uploaded_load(core, err);
	if (rc < 0)
		return rc;
	core->pgod = channel_new(core->base, PGOD_FD,
	    &(struct channel_spec){
		.name = "pgod",
		.recv = PGOD_TO_CORE,
		.send = CORE_TO_PGOD,
		.rules = from_pgod_rules,
		.nrules = from_pgod_nrules,
		.closed = on_pgod_closed,
		.ctx = core,
	    });
	channel_send(core->pgod, msg_new("hello", "si", "protocol", CORE_PROTOCOL), NULL, 0);
	event_base_dispatch(core->base);
	pushkeys_done(&core->uploaded);
	store_close(core->store);
	return 0;
}

/* Without it nothing is known beyond a restart of the machine, and nothing is taken to be. */
static void
read_boot(struct core *core)
{
	auto_buf struct buf id = BUF_INIT(sizeof(core->boot) - 1);
	struct err err = ERR_INIT;

	if (io_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &id, &err) < 0)
		log_warn("%s", err.msg);
	else
		snprintf(core->boot, sizeof(core->boot), "%.*s", (int)strcspn(buf_str(&id), "\n"), buf_str(&id));
}

/* Of services that are configured: nobody else asks, and a stranger cannot make up names. */
static void
on_log_line(void *ctx, const char *service, const char *word, const char *text)
{
	struct core *core = ctx;

	if (core_service(core, service) != NULL)
		svclog_add(service, io_wall_ms() / 1000, word, text);
}

static int
serve(struct err *err)
{
	struct core core = {.engine_reason = "not yet asked"};
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	TAILQ_INIT(&core.services);
	TAILQ_INIT(&core.jobs);
	TAILQ_INIT(&core.wishes);
	TAILQ_INIT(&core.pins);
	TAILQ_INIT(&core.clients);
	TAILQ_INIT(&core.leads);
	read_boot(&core);
	log_tap(on_log_line, &core);
	/* The end of a key's life may be told in local time; behind the door the zone's file is out of reach, and libc
	 * does not ask for it again while TZ stays as it is. */
	setenv("TZ", ":/etc/localtime", 0);
	tzset();
	metrics_prepare(&core.metrics);
	core.base = make_base();
	if (core.base == NULL)
		return err_set(err, ENOMEM, "cannot make the event loop");
	json_object_seed(0); /* reads /dev/urandom: not possible any more behind the door */
	rc = sandbox_enter(&sandbox, NULL, err);
	return rc < 0 ? err_wrap(err, "cannot close the door") : run(&core, err);
}

static int
test_sandbox(struct err *err)
{
	int rc = sandbox_enter(&sandbox, NULL, err);

	return rc < 0 ? rc : sandbox_self_test(&sandbox, err);
}

/* For the manual's test: the metrics. */
static int
list_metrics(struct err *err)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);

	(void)err;
	metrics_list(&text);
	return fputs(buf_str(&text), stdout) < 0 ? -EIO : 0;
}

/* Likewise: "KIND CMD SUBCMD" of each kind of job, "-" where it has none. */
static int
list_commands(struct err *err)
{
	size_t n;
	const struct command *table = commands_table(&n);

	(void)err;
	for (size_t i = 0; i < n; i++)
		printf("%s %s %s\n", table[i].kind, table[i].cmd != NULL ? table[i].cmd : "-",
		    table[i].subcmd != NULL ? table[i].subcmd : "-");
	return 0;
}

static const struct {
	const char *option;
	int (*run)(struct err *err);
} modes[] = {
    {NULL, serve},
    {"--sandbox-test", test_sandbox},
    {"--operations", op_list},
    {"--metrics", list_metrics},
    {"--commands", list_commands},
};

int
main(int argc, char **argv)
{
	const char *option = argc == 2 ? argv[1] : NULL;
	struct err err = ERR_INIT;

	for (size_t i = 0; argc <= 2 && i < ARRAY_LEN(modes); i++) {
		if (option == NULL ? modes[i].option != NULL : !str_eq(option, modes[i].option))
			continue;
		log_init("pgod-core", getenv("PGO_DEBUG") != NULL);
		if (modes[i].run(&err) >= 0)
			return 0;
		log_err("%s", err.msg);
		return 1;
	}
	fprintf(stderr, "usage: pgod-core (started by pgod)\n");
	return 2;
}
