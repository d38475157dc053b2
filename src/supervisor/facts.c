#include "supervisor/facts.h"

#include <errno.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/path.h"
#include "supervisor/apps.h"

static int
find_own(const char *name, struct account *ret_a, struct err *err)
{
	int rc = account_find(name, ret_a, err);

	if (rc < 0)
		return err_wrap(
		    err, "make it with: adduser --system --group --no-create-home --home /nonexistent %s", name);
	if (ret_a->uid == 0)
		return err_set(err, EPERM, "the account %s must not have uid 0", name);
	return 0;
}

int
facts_find_accounts(struct facts *f, bool web, struct err *err)
{
	struct err why = ERR_INIT;
	int rc = find_own("_pgod", &f->core, err);

	if (rc >= 0)
		rc = find_own("_pgod-ssh", &f->ssh, err);
	/* Worth an error in the log, not a pgod that does not start. */
	if (rc >= 0 && web && find_own("_pgod-web", &f->web, &why) < 0) {
		log_err("metrics are not served: %s", why.msg);
		account_done(&f->web);
	}
	return rc;
}

const struct account *
facts_account(const struct facts *f, const char *service)
{
	const struct conf_service *s = conf_find(f->conf, service);

	if (s == NULL)
		return NULL;
	return s->made ? apps_account(f->apps, s) : &f->accounts[s->place];
}

const char *
facts_libexec(void)
{
	const char *dir = getenv("PGO_LIBEXEC");

	return dir != NULL && path_is_clean(dir) ? dir : PGO_LIBEXECDIR;
}

const char *
facts_mount(void)
{
	const char *program = getenv("PGO_MOUNT");

	return program != NULL && path_is_clean(program) ? program : "/usr/bin/mount";
}

const char *
facts_run(void)
{
	const char *dir = getenv("PGO_RUN");

	return dir != NULL && path_is_clean(dir) ? dir : "/run/pgo";
}

void
facts_done(struct facts *f)
{
	account_done(&f->core);
	account_done(&f->ssh);
	account_done(&f->web);
	auto_close_(&f->dirfd);
	auto_close_(&f->datafd);
	free(f->compose);
	free(f->engine_path);
	*f = (struct facts){.dirfd = -1, .datafd = -1};
}
