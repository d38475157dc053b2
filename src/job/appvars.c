#include "job/appvars.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Config vars that say something about the app and are not its own. */
static const char *const reserved[] = {"CONTAINERS", "CUSTOM_CHECK", "HTTP_PORT", "MEMORY_LIMIT", "NO_HTTP_PROXY"};

bool
appvars_ok(const char *var)
{
	size_t len = strspn(var, LETTERS DIGITS "_");

	return len > 0 && var[len] == '=' && strchr(DIGITS, var[0]) == NULL;
}

bool
appvars_is(const char *var, const char *name)
{
	size_t len = strlen(name);

	return strncmp(var, name, len) == 0 && var[len] == '=';
}

const char *
appvars_get(const struct strv *vars, const char *name)
{
	for (size_t i = 0; i < vars->n; i++) {
		if (appvars_is(vars->v[i], name))
			return vars->v[i] + strlen(name) + 1;
	}
	return NULL;
}

bool
appvars_may_interpolate(const char *var)
{
	static const char *const families[] = {
	    "LD_", "DOCKER_", "COMPOSE_", "BUILDKIT_", "BUILDX_", "GLIBC_", "MALLOC_", "GO", "XDG_", "OTEL_", "PGO_"};
	static const char *const names[] = {"HOME", "PATH", "TMPDIR", "LANG", "LOCPATH", "GCONV_PATH", "PWD"};

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (str_starts(var, families[i]))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (appvars_is(var, names[i]))
			return false;
	}
	return true;
}

bool
appvars_reserved(const char *var)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (appvars_is(var, reserved[i]))
			return true;
	}
	return false;
}

int
appvars_read(int fd, struct strv *ret, struct err *err)
{
	auto_buf struct buf b = BUF_INIT(APPVARS_MAX_BYTES);
	auto_strv struct strv vars = {0};
	int r = io_read_all(fd, &b, err);

	if (r < 0)
		return err_wrap(err, "the config vars");
	if (b.len > 0 && b.data[b.len - 1] != '\0')
		return err_set(err, EINVAL, "the config vars have no end");
	for (const char *var = buf_str(&b); var < buf_str(&b) + b.len; var += strlen(var) + 1) {
		if (!appvars_ok(var))
			return err_set(err, EINVAL, "one of the config vars has no proper name");
		if (!strv_add(&vars, var))
			return err_set(err, EFBIG, "there are more than %d config vars", STRV_MAX);
	}
	*ret = vars;
	vars = (struct strv){0};
	return 0;
}
