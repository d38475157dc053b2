/* The key `mount`: which shares may be named, and what the mount helper is told of them. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"

#define SCHEME "nfs://"
#define PATH_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+@:=~-"

static int
check_path(const char *path, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, EINVAL, "names no export: write it behind the server, as nfs://server/export");
	if (path[strspn(path, PATH_CHARS)] != '\0')
		return err_set(err, EINVAL,
		    "has a character in its path that a share may not have: letters, digits and ._+@:=~- are allowed");
	for (const char *p = path; p != NULL; p = strchr(p + 1, '/')) {
		size_t len = strcspn(p + 1, "/");

		if ((len == 0 && p[1] == '/') || (len == 1 && p[1] == '.') ||
		    (len == 2 && strncmp(p + 1, "..", 2) == 0))
			return err_set(err, EINVAL, "has \"..\", \".\" or \"//\" in its path: write the plain path");
	}
	return 0;
}

int
rule_split_share(const char *s, struct share_url *ret, struct err *err)
{
	const char *host = s + strlen(SCHEME);
	size_t authority, len;
	int r;

	if (!str_starts(s, SCHEME))
		return err_set(err, EINVAL, "is no NFS share: write nfs://server/export");
	if (strlen(s) > RULE_SHARE_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_SHARE_MAX);
	authority = strcspn(host, "/");
	if (memchr(host, '@', authority) != NULL)
		return err_set(err, EINVAL, "has a user name, and NFS knows none in its address: write it without");
	r = rule_host(host, authority, &len, err);
	if (r < 0)
		return r;
	r = check_path(host + authority, err);
	if (r < 0)
		return r;
	ret->host = str_printf("%.*s", (int)len, host);
	ret->port = len < authority ? str_printf("%.*s", (int)(authority - len - 1), host + len + 1) : NULL;
	ret->path = str_dup(host + authority);
	/* The kernel's table of mounts has it without. */
	for (size_t n = strlen(ret->path); n > 1 && ret->path[n - 1] == '/'; n--)
		ret->path[n - 1] = '\0';
	return 0;
}

void
share_url_done(struct share_url *u)
{
	free(u->host);
	free(u->port);
	free(u->path);
}

int
rule_mount(const char *s, struct err *err)
{
	auto_share_url struct share_url u = {0};

	return rule_split_share(s, &u, err);
}
