/* The key `repository`: which forms git may be given, and what of them is secret. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/rules.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define FORMS "an https, http, ssh, git or file URL, user@host:path or an absolute path"

/* "scheme://userinfo@host:port/path": each part with its length, within the string. */
struct url {
	const char *userinfo; /* NULL without "@" */
	size_t userinfo_len;
	const char *host; /* with the port */
	size_t host_len;
	const char *path; /* from the "/" on, "" without */
};

static int check_http(const struct url *u, struct err *err);
static int check_ssh(const struct url *u, struct err *err);
static int check_git(const struct url *u, struct err *err);
static int check_file(const struct url *u, struct err *err);

/* What is not here is refused, above all git's other helpers: ext::, and whatever git-remote-* the host has. */
static const struct {
	const char *prefix;
	int (*check)(const struct url *u, struct err *err);
	bool has_auth; /* the userinfo is a secret and is split off */
} schemes[] = {
    {"https://", check_http, true},
    {"http://", check_http, true},
    {"ssh://", check_ssh, false},
    {"git://", check_git, false},
    {"file://", check_file, false},
};

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

	return p == NULL ? -1 : (int)(p - digits);
}

/* One character of s, percent-decoded, *s behind it; -1 for a malformed or control character. */
static int
decode_one(const char **s)
{
	const char *p = *s;
	int high = 0;
	int low = 0;
	int c = (unsigned char)*p;

	if (*p == '%') {
		if ((high = hex_value(p[1])) < 0 || (low = hex_value(p[2])) < 0)
			return -1;
		c = high * 16 + low;
		p += 2;
	}
	*s = p + 1;
	return is_control((unsigned char)c) ? -1 : c;
}

/* git decodes %NN itself, so what it will see is what is checked. */
static bool
decodes_clean(const char *s)
{
	while (*s != '\0') {
		if (decode_one(&s) < 0)
			return false;
	}
	return true;
}

static bool
is_port(const char *s, size_t len)
{
	char digits[6];
	int64_t port;

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, s, len);
	digits[len] = '\0';
	return strspn(digits, "0123456789") == len && str_to_int(digits, 1, 65535, &port);
}

/* Length of the host that s begins with: a name, or an IPv6 address in brackets; 0 when there is none. A leading "-"
 * would be an option to ssh. */
static size_t
host_span(const char *s, size_t len)
{
	size_t n = 0;

	if (len > 0 && s[0] == '[') {
		n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return n > 2 && n < len && s[n] == ']' ? n + 1 : 0;
	}
	if (len == 0 || s[0] == '-' || s[0] == '.')
		return 0;
	n = strspn(s, ALNUM "._-");
	return n < len ? n : len;
}

int
rule_host(const char *s, size_t len, size_t *ret_len, struct err *err)
{
	size_t n = host_span(s, len);

	if (len == 0)
		return err_set(err, EINVAL, "names no host");
	if (n == 0 || (n < len && s[n] != ':'))
		return err_set(err, EINVAL,
		    "has no proper host: a name of letters, digits, \"-\" and \".\", or an IPv6 address in brackets");
	if (n < len && !is_port(s + n + 1, len - n - 1))
		return err_set(
		    err, EINVAL, "has no proper port: write a number from 1 to 65535 after the host's \":\"");
	*ret_len = n;
	return 0;
}

static int
check_host(const struct url *u, struct err *err)
{
	size_t len;

	return rule_host(u->host, u->host_len, &len, err);
}

static int
check_path(const struct url *u, struct err *err)
{
	if (strlen(u->path) < 2)
		return err_set(err, EINVAL, "names only a host: write the path of the repository behind it");
	if (!decodes_clean(u->path))
		return err_set(err, EINVAL, "has a malformed %%NN or a control character in its path");
	return 0;
}

static int
check_http(const struct url *u, struct err *err)
{
	int r = check_host(u, err);

	if (r < 0)
		return r;
	/* A token in the query would not be split off, and show. */
	if (strpbrk(u->path, "?# ") != NULL)
		return err_set(err, EINVAL,
		    "has \"?\", \"#\" or a space: write the plain URL; a branch has its own key, a token stands before "
		    "the host as https://oauth2:TOKEN@host/path");
	return check_path(u, err);
}

/* An account at a git server. A leading "-" would be an option to ssh. */
static bool
is_ssh_user(const char *s, size_t len)
{
	return len > 0 && s[0] != '-' && strspn(s, ALNUM "._+~-") >= len;
}

static int
check_ssh(const struct url *u, struct err *err)
{
	int r = check_host(u, err);

	if (r < 0)
		return r;
	if (u->userinfo != NULL && memchr(u->userinfo, ':', u->userinfo_len) != NULL)
		return err_set(
		    err, EINVAL, "has a password in an ssh URL, which ssh cannot use: write it without and use a key");
	if (u->userinfo != NULL && !is_ssh_user(u->userinfo, u->userinfo_len))
		return err_set(err, EINVAL, "has no proper user name before \"@\"");
	return check_path(u, err);
}

static int
check_git(const struct url *u, struct err *err)
{
	int r = check_host(u, err);

	if (r < 0)
		return r;
	if (u->userinfo != NULL)
		return err_set(err, EINVAL,
		    "has a user name, and the git protocol knows none: write it without, or use https or ssh");
	return check_path(u, err);
}

static int
check_file(const struct url *u, struct err *err)
{
	if (u->userinfo != NULL || u->host_len > 0)
		return err_set(err, EINVAL, "names a host in a file URL: write file:///path with three slashes");
	return check_path(u, err);
}

static int
parse_url(const char *rest, struct url *ret_u, struct err *err)
{
	size_t len = strcspn(rest, "/");
	const char *at = memchr(rest, '@', len);
	struct url u = {.host = rest, .host_len = len, .path = rest + len};

	if (at != NULL) {
		u.userinfo = rest;
		u.userinfo_len = (size_t)(at - rest);
		u.host = at + 1;
		u.host_len = len - u.userinfo_len - 1;
		if (memchr(u.host, '@', u.host_len) != NULL)
			return err_set(
			    err, EINVAL, "has more than one \"@\" before the host: write %%40 for one in a password");
	}
	*ret_u = u;
	return 0;
}

static bool
is_utf8(const char *s)
{
	/* What percent signs decode to must fit a JSON string. */
	const unsigned char *p = (const unsigned char *)s;

	while (*p != '\0') {
		size_t more = *p < 0x80			? 0
			      : *p >= 0xC2 && *p < 0xE0 ? 1
			      : (*p & 0xF0) == 0xE0	? 2
			      : *p >= 0xF0 && *p < 0xF5 ? 3
							: 9;

		if (more == 9 || (*p == 0xE0 && p[1] < 0xA0) || (*p == 0xED && p[1] > 0x9F) ||
		    (*p == 0xF0 && p[1] < 0x90) || (*p == 0xF4 && p[1] > 0x8F))
			return false;
		for (p++; more > 0; more--, p++) {
			if ((*p & 0xC0) != 0x80)
				return false;
		}
	}
	return true;
}

/* "user:password" of a userinfo, percent-decoded. Nothing of it may reach a sentence. */
static int
decode_auth(const char *s, size_t len, char **ret_auth, struct err *err)
{
	auto_free char *raw = str_printf("%.*s", (int)len, s);
	auto_buf struct buf auth = BUF_INIT(RULE_REPOSITORY_MAX + 1);
	bool colon = false;

	if (len == 0)
		return err_set(err, EINVAL, "has \"@\" with no user name or token before it");
	for (const char *p = raw; *p != '\0';) {
		bool plain_colon = *p == ':';
		int c = decode_one(&p);
		char byte = (char)c;

		/* RFC 7617: the first colon ends the user name, so the name can hold none. */
		if (c < 0 || (c == ':' && !plain_colon && !colon))
			return err_set(err, EINVAL,
			    "has a malformed %%NN, a control character or a %%3A in the user name before \"@\"");
		colon = colon || plain_colon;
		buf_add(&auth, &byte, 1);
	}
	if (!is_utf8(buf_str(&auth)))
		return err_set(err, EINVAL, "has bytes that are not UTF-8 before \"@\"");
	if (!colon)
		buf_str_add(&auth, ":");
	*ret_auth = buf_take(&auth);
	return 0;
}

static int
split_url(size_t scheme, const char *s, char **ret_url, char **ret_auth, struct err *err)
{
	size_t prefix_len = strlen(schemes[scheme].prefix);
	auto_free char *auth = NULL;
	struct url u;
	int r = parse_url(s + prefix_len, &u, err);

	if (r < 0 || (r = schemes[scheme].check(&u, err)) < 0)
		return r;
	if (schemes[scheme].has_auth && u.userinfo != NULL) {
		if ((r = decode_auth(u.userinfo, u.userinfo_len, &auth, err)) < 0)
			return r;
		*ret_url = str_printf("%s%s", schemes[scheme].prefix, u.host);
	} else {
		*ret_url = str_dup(s);
	}
	*ret_auth = TAKE(auth);
	return 0;
}

/* user@host:path, as scp writes it. */
static int
check_scp(const char *s, struct err *err)
{
	const char *at = strchr(s, '@');
	size_t user_len = at == NULL ? 0 : (size_t)(at - s);
	size_t host_len = at == NULL ? 0 : host_span(at + 1, strlen(at + 1));
	const char *path = at == NULL ? NULL : at + 1 + host_len;

	if (at == NULL || !is_ssh_user(s, user_len) || host_len == 0 || *path != ':')
		return err_set(err, EINVAL, "is not a place git may fetch from: write " FORMS);
	if (path[1] == '\0' || path[1] == '-' || path[1] == ':')
		return err_set(err, EINVAL, "has no proper path behind \"user@host:\"");
	return 0;
}

/* What is refused whatever the form. git takes "word::address" as the name of a helper to run: ext::sh -c ... */
static int
check_common(const char *s, struct err *err)
{
	size_t word = strspn(s, ALNUM "+.-");

	if (s[0] == '\0')
		return err_set(err, EINVAL, "is empty: write " FORMS);
	if (strlen(s) > RULE_REPOSITORY_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_REPOSITORY_MAX);
	for (const char *p = s; *p != '\0'; p++) {
		if (is_control((unsigned char)*p))
			return err_set(err, EINVAL, "has a newline or another control character: write it in one line");
	}
	if (s[0] == '-')
		return err_set(err, EINVAL, "begins with \"-\": write " FORMS);
	if (str_starts(s + word, "::"))
		return err_set(
		    err, EINVAL, "names a git transport helper (\"::\"), which could run any program: write " FORMS);
	return 0;
}

/* What is no URL: an absolute path, or scp's form. */
static int
check_other(const char *s, struct err *err)
{
	if (s[0] == '/')
		return s[strspn(s, "/")] != '\0'
			   ? 0
			   : err_set(err, EINVAL, "is the root directory: write the path of a repository");
	if (strstr(s, "://") != NULL)
		return err_set(
		    err, EINVAL, "has a scheme that is not supported: write " FORMS " (schemes in lower case)");
	if (s[0] == '.' || s[0] == '~' || strchr(s, ':') == NULL)
		return err_set(err, EINVAL, "is a relative path: write an absolute one, or a URL");
	return check_scp(s, err);
}

int
rule_split_repository(const char *s, char **ret_url, char **ret_auth, struct err *err)
{
	int r = check_common(s, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (str_starts(s, schemes[i].prefix))
			return split_url(i, s, ret_url, ret_auth, err);
	}
	if ((r = check_other(s, err)) < 0)
		return r;
	*ret_url = str_dup(s);
	*ret_auth = NULL;
	return 0;
}

int
rule_repository(const char *s, struct err *err)
{
	auto_free char *url = NULL;
	auto_free char *auth = NULL;

	return rule_split_repository(s, &url, &auth, err);
}
