#include "supervisor/facts.h"

#include "base/auto.h"
#include "base/path.h"

const struct account *
facts_account(const struct facts *f, const char *service)
{
	const struct conf_service *s = conf_find(f->conf, service);

	return s == NULL ? NULL : &f->accounts[s - f->conf->services];
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
	auto_close_(&f->dirfd);
	auto_close_(&f->datafd);
	free(f->compose);
	free(f->engine_path);
	*f = (struct facts){.dirfd = -1, .datafd = -1};
}
