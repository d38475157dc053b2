#include "supervisor/compose.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "supervisor/account.h"

enum { VERSION_DEADLINE_MS = 10 * 1000, VERSION_MAX = 4096 };

static const char *const plugin_dirs[] = {
    "/usr/local/lib/docker", "/usr/local/libexec/docker", "/usr/lib/docker", "/usr/libexec/docker"};

int
compose_major(const char *text)
{
	long major = 0;
	const char *p = *text == 'v' ? text + 1 : text;

	if (!isdigit((unsigned char)*p))
		return -1;
	for (; isdigit((unsigned char)*p) && major < 1000; p++)
		major = major * 10 + (*p - '0');
	return *p == '.' ? (int)major : -1;
}

/* As nobody: what cannot run without privilege cannot run as a service's account either. */
static int
ask_version(const char *path, int *ret_major, struct err *err)
{
	auto_account struct account nobody = {0};
	auto_buf struct buf out = BUF_INIT(VERSION_MAX);
	auto_free char *copy = str_dup(path);
	char *const argv[] = {copy, (char[]){"version"}, (char[]){"--short"}, NULL};
	char *const envp[] = {(char[]){"HOME=/nonexistent"}, (char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, NULL};
	struct proc_spec spec = {.path = path,
	    .argv = argv,
	    .envp = envp,
	    .set_creds = true,
	    .stdio = {-1, -1, -1},
	    .new_session = true,
	    .death_signal = SIGKILL,
	    .no_new_privs = true};
	int rc = account_find("nobody", &nobody, err);

	if (rc < 0)
		return rc;
	spec.uid = nobody.uid;
	spec.gid = nobody.gid;
	rc = proc_run(&spec, NULL, 0, &out, NULL, VERSION_DEADLINE_MS, err);
	if (rc < 0)
		return rc;
	*ret_major = compose_major(buf_str(&out));
	if (rc != 0 || *ret_major < 0)
		return err_set(err, EPROTO, "%s does not tell its version", path);
	return 0;
}

static int
try_path(const char *path, char **ret_path, struct err *err)
{
	auto_free char *real = realpath(path, NULL);
	int major = 0;
	int rc;

	if (real == NULL)
		return err_errno(err, "cannot find %s", path);
	rc = ask_version(real, &major, err);
	if (rc < 0)
		return rc;
	if (major < 2) {
		return err_set(err, ENOTSUP,
		    "%s is docker compose version %d, which ended in 2023: pgod needs version 2 or later", path, major);
	}
	*ret_path = TAKE(real);
	return 0;
}

static void
candidates(struct strv *sv)
{
	const char *config = getenv("DOCKER_CONFIG");
	const char *path = getenv("PATH");
	auto_free char *dirs = str_dup(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
	char *rest = NULL;

	if (config != NULL && path_is_clean(config))
		strv_add_take(sv, str_printf("%s/cli-plugins/docker-compose", config));
	for (size_t i = 0; i < ARRAY_LEN(plugin_dirs); i++)
		strv_add_take(sv, str_printf("%s/cli-plugins/docker-compose", plugin_dirs[i]));
	for (char *d = strtok_r(dirs, ":", &rest); d != NULL; d = strtok_r(NULL, ":", &rest)) {
		if (*d == '/')
			strv_add_take(sv, str_printf("%s/docker-compose", d));
	}
}

int
compose_find(char **ret_path, struct err *err)
{
	const char *chosen = getenv("PGO_COMPOSE");
	auto_strv struct strv sv = {0};
	struct err first = ERR_INIT;

	if (chosen != NULL && *chosen != '\0')
		return try_path(chosen, ret_path, err) < 0 ? err_wrap(err, "PGO_COMPOSE") : 0;
	candidates(&sv);
	for (size_t i = 0; i < sv.n; i++) {
		struct err why = ERR_INIT;

		if (access(sv.v[i], F_OK) < 0)
			continue;
		if (try_path(sv.v[i], ret_path, &why) == 0)
			return 0;
		if (first.num == 0)
			first = why;
	}
	if (first.num != 0)
		return err_set(err, first.num, "%s", first.msg);
	return err_set(err, ENOENT,
	    "docker compose version 2 is not installed: apt-get install docker-compose (Debian 13 and later), "
	    "docker-compose-plugin "
	    "(Docker's own archive) or docker-compose-v2 (Ubuntu); or name it in PGO_COMPOSE");
}
