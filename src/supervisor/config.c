#include "supervisor/config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/proc.h"
#include "supervisor/address.h"
#include "supervisor/warnings.h"

enum {
	CHECK_DEADLINE_MS = 10 * 1000,
	CHECK_OUTPUT_MAX = 8 * 1024 * 1024,
	CHECK_STDERR_MAX = 4096,
	CHECK_EXIT_ERRORS = 1, /* pgod-conf's exit status when the file has errors */
};

static const struct proc_limit check_limits[] = {
    {RLIMIT_CORE, 0},
    {RLIMIT_NOFILE, 16},
    {RLIMIT_CPU, 10},
    {RLIMIT_FSIZE, 0},
};

/* Accounts that belong to pgo's own processes: a service that ran as one of them could read the state or steer the
 * others. */
static const char *const own_accounts[] = {"_pgod", "_pgod-ssh", "_pgod-web", "nobody"};

int
config_read(const char *path, struct buf *b, struct err *err)
{
	/* O_NONBLOCK: a fifo must not hold pgod up. */
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_errno(err, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(err, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s is not a regular file", path);
	if (io_read_all(fd, b, err) < 0)
		return err_wrap(err, "cannot read %s", path);
	return 0;
}

/* pgod-conf meets the file's bytes before anyone has checked them: it gets no privilege at all. */
static int
run_check(const char *libexec, const struct buf *in, struct buf *out, struct err *err)
{
	auto_account struct account nobody = {0};
	auto_buf struct buf tail = BUF_INIT(CHECK_STDERR_MAX);
	auto_free char *path = str_printf("%s/pgod-conf", libexec);
	char *const argv[] = {path, NULL};
	char *const envp[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"LANG=C.UTF-8"}, NULL};
	struct proc_spec spec = {.path = path,
	    .argv = argv,
	    .envp = envp,
	    .stdio = {-1, -1, -1},
	    .limits = check_limits,
	    .nlimits = ARRAY_LEN(check_limits),
	    .new_session = true,
	    .death_signal = SIGKILL,
	    .no_new_privs = true};
	int rc;

	if (geteuid() == 0) {
		rc = account_find("nobody", &nobody, err);
		if (rc < 0)
			return rc;
		spec.set_creds = true;
		spec.uid = nobody.uid;
		spec.gid = nobody.gid;
	}
	rc = proc_run(&spec, in->data, in->len, out, &tail, CHECK_DEADLINE_MS, err);
	if (rc < 0)
		return err_wrap(err, "cannot check the configuration");
	if (rc > CHECK_EXIT_ERRORS || out->full) {
		auto_buf struct buf vis = BUF_INIT(CHECK_STDERR_MAX);

		buf_vis(&vis, buf_str(&tail), tail.len, false);
		return err_set(
		    err, EPROTO, "cannot check the configuration: pgod-conf ended with %d: %s", rc, buf_str(&vis));
	}
	return rc;
}

static void
problem(struct config *c, const char *path, long long line, long long column, const char *message)
{
	strv_add_take(&c->problems, str_printf("%s:%lld:%lld: %s", path, line, column, message));
}

static bool
is_own(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(own_accounts); i++) {
		if (str_eq(name, own_accounts[i]))
			return true;
	}
	return false;
}

/* The reason that a service cannot have this account, NULL when it can. The caller frees. */
static char *
account_objection(const char *user, struct account *ret_a)
{
	struct err err = ERR_INIT;

	if (is_own(user))
		return str_printf("user: the account %s is not for services", user);
	if (account_find(user, ret_a, &err) < 0)
		return str_printf("user: %s", err.msg);
	if (ret_a->uid == 0 && !str_eq(user, "root"))
		return str_printf("user: the account %s has uid 0: only root itself may be root", user);
	return NULL;
}

/* The account of a service in a document with errors: all that is wrong is told at once. */
static void
read_account(const char *path, const json_t *a, struct config *c)
{
	auto_account struct account account = {0};
	const char *user = json_string_value(json_object_get(a, "user"));
	auto_free char *why = user != NULL ? account_objection(user, &account) : NULL;

	if (why != NULL)
		problem(c, path, json_integer_value(json_object_get(a, "line")),
		    json_integer_value(json_object_get(a, "column")), why);
}

/* Takes the errors out of pgod-conf's document. */
static int
read_errors(const char *path, const struct buf *out, struct config *c, struct err *err)
{
	json_t *doc = json_loadb(buf_str(out), out->len, 0, NULL);
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(doc, "errors"), i, e)
	{
		const char *message = json_string_value(json_object_get(e, "message"));

		problem(c, path, json_integer_value(json_object_get(e, "line")),
		    json_integer_value(json_object_get(e, "column")), message != NULL ? message : "unknown error");
	}
	json_array_foreach(json_object_get(doc, "accounts"), i, e) read_account(path, e, c);
	json_decref(doc);
	if (c->problems.n == 0)
		return err_set(err, EPROTO, "pgod-conf refused %s without a reason", path);
	return err_set(err, EINVAL, "%s has %zu error%s", path, c->problems.n, c->problems.n == 1 ? "" : "s");
}

static void
find_accounts(const char *path, struct config *c)
{
	c->accounts = calloc(c->conf->nservices + 1, sizeof(*c->accounts));
	if (c->accounts == NULL)
		abort();
	for (size_t i = 0; i < c->conf->nservices; i++) {
		struct conf_service *s = &c->conf->services[i];
		auto_free char *why = account_objection(s->user, &c->accounts[i]);

		if (why != NULL)
			problem(c, path, s->user_line, s->user_column, why);
		s->uid = c->accounts[i].uid;
		s->gid = c->accounts[i].gid;
	}
}

static void
drop_conf(struct config *c)
{
	for (size_t i = 0; c->conf != NULL && i < c->conf->nservices; i++)
		account_done(&c->accounts[i]);
	free(c->accounts);
	c->accounts = NULL;
	if (c->conf != NULL)
		conf_free(c->conf);
	c->conf = NULL;
}

int
config_load(const char *path, const char *libexec, struct config *c, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(CHECK_OUTPUT_MAX);
	int rc = config_read(path, &c->bytes, err);

	if (rc < 0)
		return rc;
	rc = run_check(libexec, &c->bytes, &out, err);
	if (rc < 0)
		return rc;
	if (rc == CHECK_EXIT_ERRORS)
		return read_errors(path, &out, c, err);
	c->conf = conf_parse(buf_str(&out), out.len, err);
	if (c->conf == NULL)
		return err_wrap(err, "cannot read what pgod-conf says about %s", path);
	find_accounts(path, c);
	if (c->conf->push != NULL && c->conf->push->address == NULL)
		c->conf->push->address = address_own();
	if (c->problems.n == 0) {
		warnings_of(path, c->conf, &c->warnings);
		return 0;
	}
	drop_conf(c);
	return err_set(err, EINVAL, "%s has %zu error%s", path, c->problems.n, c->problems.n == 1 ? "" : "s");
}

int
config_send(const struct config *c, struct channel *ch, struct err *err)
{
	auto_free char *text = conf_for_core(c->conf);
	auto_close int fd = io_memfd("config", text, strlen(text), err);

	if (fd < 0)
		return fd;
	channel_send(ch, msg_new("config", ""), &fd, 1);
	return 0;
}

void
config_done(struct config *c)
{
	drop_conf(c);
	buf_done(&c->bytes);
	strv_done(&c->problems);
	strv_done(&c->warnings);
}
