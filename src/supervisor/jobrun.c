#include "supervisor/jobrun.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "supervisor/dirs.h"
#include "supervisor/engine.h"
#include "supervisor/secrets.h"
#include "supervisor/signers.h"
#include "supervisor/terminal.h"

/* Who the job runs as: the configured account, or, for what may tidy up after a service that is gone, the owner of its
 * directory. Returns the account, borrowed from the facts or filled into mem; NULL with err set. */
static const struct account *
choose_account(const struct facts *f, const struct jobrun *r, struct account *mem, struct err *err)
{
	const struct account *a = facts_account(f, r->service);
	struct stat st;

	if (a != NULL)
		return a;
	if ((r->kind->flags & JOB_LEFT) == 0) {
		err_set(err, ENOENT, "the service %s is not configured", r->service);
		return NULL;
	}
	if (fstatat(f->dirfd, r->service, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)) {
		err_set(err, ENOENT, "the service %s is not configured and has no directory", r->service);
		return NULL;
	}
	/* An app had a number alone. */
	if (account_of_uid(st.st_uid, mem, NULL) == -ENOENT)
		account_numbered(st.st_uid, st.st_gid, mem);
	return mem->name != NULL || account_of_uid(st.st_uid, mem, err) >= 0 ? mem : NULL;
}

/* The account's groups, and the engine's when the kind says so. The caller frees; NULL with err set. */
static gid_t *
choose_groups(const struct facts *f, const struct jobrun *r, const struct account *a, size_t *ret_n, struct err *err)
{
	auto_free gid_t *groups = calloc(a->ngroups + 1, sizeof(*groups));
	gid_t gid = 0;
	int rc = 0;

	if (groups == NULL)
		abort();
	if (a->ngroups > 0)
		memcpy(groups, a->groups, a->ngroups * sizeof(*groups));
	*ret_n = a->ngroups;
	if ((r->kind->flags & JOB_ENGINE) != 0)
		rc = engine_group(f->engine_path, a->uid, &gid, err);
	if (rc < 0)
		return NULL;
	for (size_t i = 0; rc > 0 && i < a->ngroups; i++) {
		if (groups[i] == gid)
			rc = 0;
	}
	if (rc > 0)
		groups[(*ret_n)++] = gid;
	return TAKE(groups);
}

struct paths {
	char *program;
	char *job;
	char *live;
	char *stage;
	char *empty;
	char *private;
};

static void
paths_init(struct paths *p, const struct facts *f, const struct jobrun *r)
{
	p->program = job_program_path(r->kind, f);
	p->job = str_printf("%s/pgod-job", f->libexec);
	p->live = str_printf("%s/%s", f->dir, r->service);
	p->stage = str_printf("%s/.stage/%s", f->dir, r->service);
	p->empty = str_printf("%s/.empty", f->dir);
	p->private = str_printf("%s/" JOB_PRIVATE, f->dir);
}

static void
paths_done(struct paths *p)
{
	free(p->program);
	free(p->job);
	free(p->live);
	free(p->stage);
	free(p->empty);
	free(p->private);
}

/* The signers file is the administrator's: the account need not be able to read it. */
static int
give_signers(const struct facts *f, const struct jobrun *r, int *ret_fd, struct err *err)
{
	const struct conf_service *s = conf_find(f->conf, r->service);

	if ((r->kind->flags & JOB_VERIFY) == 0 || s == NULL || !s->signed_only)
		return 0;
	*ret_fd = signers_open(s->signers, err);
	return *ret_fd < 0 ? *ret_fd : 0;
}

/* All of it is borrowed. */
static struct view
view_of(const struct facts *f, const struct jobrun *r, const struct account *a, const struct paths *p,
    const struct secrets *secrets)
{
	return (struct view){.kind = r->kind->view,
	    .live = p->live,
	    .stage = p->stage,
	    .scratch = p->empty,
	    .secrets = secrets_any(secrets) ? secrets : NULL,
	    .private_dir = p->private,
	    .uid = a->uid,
	    .gid = a->gid,
	    .programs = {p->job, f->compose}};
}

static int
spawn_as(const struct facts *f, const struct jobrun *r, const struct account *a, pid_t *ret_pid, struct err *err)
{
	__attribute__((cleanup(paths_done))) struct paths p = {0};
	auto_strv struct strv argv = {0};
	auto_strv struct strv envp = {0};
	auto_free gid_t *groups = NULL;
	auto_close int signers = -1;
	auto_secrets struct secrets secrets = {0};
	const struct conf_service *s = conf_find(f->conf, r->service);
	struct proc_spec spec = {.set_creds = true,
	    .uid = a->uid,
	    .gid = a->gid,
	    .keep = &r->lockfd,
	    .nkeep = r->lockfd >= 0 ? 1 : 0,
	    .umask = 022,
	    .limits = r->kind->limits,
	    .nlimits = r->kind->nlimits,
	    .new_session = true,
	    /* Nothing waits for the end of one that an earlier pgod began. */
	    .death_signal = (r->kind->flags & JOB_PUBLISHES) != 0 ? SIGTERM : 0,
	    .terminal = (r->kind->flags & JOB_TERMINAL) != 0,
	    .no_new_privs = true};
	struct view view;

	if (r->kind->program == JOB_PGOD_JOB && dirs_again(f, r->service, a, err) < 0)
		return -err->num;
	groups = choose_groups(f, r, a, &spec.ngroups, err);
	if (groups == NULL || give_signers(f, r, &signers, err) < 0 || secrets_of(f, r->kind, s, a, &secrets, err) < 0)
		return -err->num;
	paths_init(&p, f, r);
	job_argv(r->kind, f, r->service, r->operands, &argv);
	job_envp(r->kind, f, r->service, s, a, &envp);
	secrets_envp(&secrets, p.private, &envp);
	view = view_of(f, r, a, &p, &secrets);
	spec.path = p.program;
	spec.argv = argv.v;
	spec.envp = envp.v;
	spec.groups = groups;
	/* compose looks for files in its working directory and above: there it finds none. */
	spec.cwd = r->kind->program == JOB_COMPOSE ? p.empty : "/";
	spec.setup = view_is_needed(&view) ? view_enter : NULL;
	spec.setup_arg = &view;
	memcpy(spec.stdio, r->stdio, sizeof(spec.stdio));
	spec.third = r->stdio[3];
	if (signers >= 0)
		spec.stdio[0] = signers;
	return proc_spawn(&spec, ret_pid, NULL, err);
}

/* 0, 1 and 2 are the one terminal, as of a login. */
static int
spawn_on_terminal(const struct facts *f, const struct jobrun *r, const struct account *a, pid_t *ret_pid,
    int *ret_terminal, struct err *err)
{
	auto_close int ours = -1;
	auto_close int theirs = -1;
	int stdio[JOB_STDIO] = {-1, -1, -1, r->stdio[3]};
	struct jobrun with = *r;
	int rc = terminal_open(a->uid, r->cols, r->rows, &ours, &theirs, err);

	if (rc < 0)
		return rc;
	for (int i = 0; i <= STDERR_FILENO; i++)
		stdio[i] = theirs;
	with.stdio = stdio;
	rc = spawn_as(f, &with, a, ret_pid, err);
	if (rc == 0)
		*ret_terminal = take_fd(&ours);
	return rc;
}

int
jobrun_spawn(const struct facts *f, const struct jobrun *r, pid_t *ret_pid, int *ret_terminal, struct err *err)
{
	auto_account struct account mem = {0};
	const struct account *a = choose_account(f, r, &mem, err);

	if (a == NULL)
		return -err->num;
	if ((r->kind->flags & JOB_TERMINAL) != 0)
		return spawn_on_terminal(f, r, a, ret_pid, ret_terminal, err);
	return spawn_as(f, r, a, ret_pid, err);
}
