#include "job/submodule_url.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"
#include "job/git.h"

enum { URL_MAX_BYTES = 2048 };

#define HOST_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]"

/* A URL taken apart; all of it points into the text. */
struct parts {
	const char *scheme; /* "" for a path of this machine; git@host:path is ssh */
	size_t scheme_len;
	const char *user; /* with its "@"; "" without */
	size_t user_len;
	const char *host; /* with its port */
	size_t host_len;
	const char *path;
};

/* git@host:path. */
static void
split_scp(const char *url, struct parts *ret)
{
	size_t len = strcspn(url, ":");
	const char *at = memchr(url, '@', len);

	ret->scheme = "ssh";
	ret->scheme_len = 3;
	ret->user_len = at ? (size_t)(at - url) + 1 : 0;
	ret->user = url;
	ret->host = url + ret->user_len;
	ret->host_len = len - ret->user_len;
	ret->path = url + len + 1;
}

static void
split_url(const char *url, const char *authority, struct parts *ret)
{
	size_t len = strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', len);

	ret->scheme = url;
	ret->scheme_len = (size_t)(authority - url) - strlen("://");
	ret->user_len = at ? (size_t)(at - authority) + 1 : 0;
	ret->user = authority;
	ret->host = authority + ret->user_len;
	ret->host_len = len - ret->user_len;
	ret->path = authority + len;
}

static struct parts
split(const char *url)
{
	const char *sep = strstr(url, "://");
	struct parts p = {.scheme = "", .user = "", .host = "", .path = url};

	if (url[0] == '/')
		return p;
	if (strncasecmp(url, "file://", 7) == 0)
		p.path = url + 7;
	else if (sep)
		split_url(url, sep + 3, &p);
	else if (strchr(url, ':'))
		split_scp(url, &p);
	return p;
}

static bool
same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

static bool
is_scheme(const struct parts *p, const char *name)
{
	return same(p->scheme, p->scheme_len, name, strlen(name));
}

/* No component that leads anywhere but down, or that somebody could take for an option, or, behind "host:", for the
 * name of a helper program. */
static bool
goes_down(const char *path)
{
	for (path += strspn(path, "/"); *path;) {
		size_t len = strcspn(path, "/");

		if (len == 0 || path[0] == '-' || path[0] == ':' || (len == 1 && path[0] == '.') ||
		    (len == 2 && strncmp(path, "..", 2) == 0))
			return false;
		path += len;
		path += *path == '/';
	}
	return true;
}

/* "../x.git" beside the repository itself: the server stays the same, whatever stands there. */
static int
relative(const char *base, const char *written, char **ret_url, struct err *err)
{
	struct parts p = split(base);
	size_t root = (size_t)(p.path - base), end = strlen(base);
	const char *rest = written;
	int ups = 0;

	if (base[0] == '\0')
		return err_set(
		    err, EINVAL, "its URL is relative, and what is pushed here comes from no server: write https://");
	while (end > root && base[end - 1] == '/')
		end--;
	for (;;) {
		if (str_starts(rest, "./")) {
			rest += 2;
		} else if (str_starts(rest, "../")) {
			rest += 3;
			/* On this machine there may be repositories that the account can read, and whoever pushes
			 * cannot. */
			if (end == root || (git_url_is_local(base) && ups++ > 0))
				return err_set(err, EINVAL, "its URL leads too far up");
			while (end > root && base[end - 1] != '/')
				end--;
			end -= end > root;
		} else {
			break;
		}
	}
	if (*rest == '\0' || *rest == '/' || !goes_down(rest))
		return err_set(err, EINVAL, "its URL is no path to a repository");
	*ret_url = str_printf("%.*s%s%s", (int)end, base, end > root || *p.path == '/' ? "/" : "", rest);
	return 0;
}

/* On the server of the repository, with its credentials; on another by https, without; and nowhere else: ssh and http
 * would let a commit reach what only this machine and this account can reach. */
static int
absolute(const char *base, const char *written, char **ret_url, bool *ret_foreign, struct err *err)
{
	struct parts p = split(written), b = split(base);
	bool http = is_scheme(&p, "https") || is_scheme(&p, "http");

	if (http && memchr(p.user, ':', p.user_len))
		return err_set(err, EINVAL, "its URL has a password in it, which a commit is no place for");
	if ((p.path[0] != '/' && strstr(written, "://")) || *p.path == '\0' || !goes_down(p.path) ||
	    strspn(p.host, HOST_CHARS) < p.host_len || p.host[0] == '-' || p.host[0] == '.')
		return err_set(err, EINVAL, "its URL is no path to a repository");
	*ret_foreign = !same(p.scheme, p.scheme_len, b.scheme, b.scheme_len) ||
		       !same(p.host, p.host_len, b.host, b.host_len) ||
		       (!http && !same(p.user, p.user_len, b.user, b.user_len));
	if (p.host_len == 0 || (*ret_foreign && !is_scheme(&p, "https")))
		return err_set(err, EINVAL,
		    "its URL must be relative (../x.git), begin as that of the repository itself, or be https://");
	*ret_url = http ? str_printf("%.*s://%s", (int)p.scheme_len, p.scheme, p.host) : str_dup(written);
	return 0;
}

int
submodule_url(const char *base, const char *written, char **ret_url, bool *ret_foreign, struct err *err)
{
	bool foreign = false;
	int r;

	if (strlen(written) > URL_MAX_BYTES || written[0] == '-' || strstr(written, "::"))
		return err_set(err, EINVAL, "its URL is none that pgo asks");
	for (const char *c = written; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return err_set(err, EINVAL, "its URL has a character that no URL has");
	if (str_starts(written, "./") || str_starts(written, "../"))
		r = relative(base, written, ret_url, err);
	else
		r = absolute(base, written, ret_url, &foreign, err);
	if (r == 0)
		*ret_foreign = foreign;
	return r;
}
