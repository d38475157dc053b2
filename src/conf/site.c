#include "conf/site.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define WRITE "write it like \"example.org\" = \"web:8080\""

enum { PORT_MAX = 65535, LABEL_MAX = 63 };

/* What has been read so far, and what is left. */
struct reading {
	const char *p;
	const char *scheme; /* "http", "https"; NULL: not written */
	bool has_port;
	struct site site;
};

static int
read_scheme(struct reading *r, struct err *err)
{
	static const char *const schemes[] = {"https", "http"};
	const char *end = strstr(r->p, "://");

	if (end == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if ((size_t)(end - r->p) == strlen(schemes[i]) &&
		    strncasecmp(r->p, schemes[i], strlen(schemes[i])) == 0)
			r->scheme = schemes[i];
	}
	if (r->scheme == NULL)
		return err_set(err, EINVAL,
		    "has a name with another scheme than http and https: write it without, \"example.org\"");
	r->p = end + strlen("://");
	return 0;
}

/* One label of a name: letters, digits, "-" and "_" within; "*" stands for the whole first one. */
static bool
is_label(const char *s, size_t len, bool first)
{
	if (first && len == 1 && s[0] == '*')
		return true;
	if (len == 0 || len > LABEL_MAX || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isascii(s[i]) || (!isalnum(s[i]) && s[i] != '-' && s[i] != '_'))
			return false;
	}
	return true;
}

static bool
is_host(const char *s)
{
	bool first = true;

	for (const char *p = s;; first = false) {
		size_t len = strcspn(p, ".");

		if (!is_label(p, len, first))
			return false;
		p += len;
		if (*p == '\0')
			return true;
		p++;
	}
}

/* "[::1]" */
static int
read_ipv6(struct reading *r, struct err *err)
{
	size_t len = strcspn(r->p, "]");
	auto_free char *address = str_printf("%.*s", (int)len - 1, r->p + 1);
	struct in6_addr in6;

	if (r->p[len] == '\0' || inet_pton(AF_INET6, address, &in6) != 1 ||
	    inet_ntop(AF_INET6, &in6, r->site.host, sizeof(r->site.host)) == NULL)
		return err_set(err, EINVAL, "has a name with brackets that hold no IPv6 address: " WRITE);
	r->p += len + 1;
	return 0;
}

static int
read_host(struct reading *r, struct err *err)
{
	size_t len = strcspn(r->p, ":/");

	if (r->p[0] == '[')
		return read_ipv6(r, err);
	if (len > SITE_HOST_MAX)
		return err_set(err, EINVAL, "has a host of %zu bytes: %d are allowed", len, SITE_HOST_MAX);
	for (size_t i = 0; i < len; i++)
		r->site.host[i] = (char)tolower((unsigned char)r->p[i]);
	r->p += len;
	if (len > 0 && r->site.host[len - 1] == '.')
		return err_set(
		    err, EINVAL, "has a host that ends with a dot, which no certificate has: write it without");
	/* A word of the Caddyfile in the place of a site. */
	if (str_eq(r->site.host, "import") || str_eq(r->site.host, "*"))
		return err_set(err, EINVAL, "has \"%s\" in the place of a host: " WRITE, r->site.host);
	if (len > 0 && !is_host(r->site.host))
		return err_set(err, EINVAL,
		    "has a host that is none: its parts hold letters, digits, \"-\" and \"_\", and only the first may be "
		    "\"*\"; " WRITE);
	return 0;
}

static int
read_port(struct reading *r, struct err *err)
{
	size_t len = r->p[0] == ':' ? strspn(r->p + 1, DIGITS) : 0;
	auto_free char *digits = str_printf("%.*s", (int)len, r->p[0] == ':' ? r->p + 1 : "");
	int64_t port = 0;

	if (r->p[0] != ':')
		return 0;
	if (!str_to_int(digits, 1, PORT_MAX, &port))
		return err_set(err, EINVAL, "has a name with a port that is none: write it like \"example.org:8443\"");
	r->p += 1 + len;
	r->site.port = (int)port;
	r->has_port = true;
	return 0;
}

static bool
has_dots(const char *path)
{
	for (const char *p = path; *p != '\0'; p += strcspn(p, "/")) {
		size_t len = strcspn(++p, "/");

		if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return true;
	}
	return false;
}

static int
read_path(struct reading *r, struct err *err)
{
	size_t len = strlen(r->p);

	if (len == 0)
		return 0;
	if (r->p[0] != '/' || r->p[strspn(r->p, LOWER UPPER DIGITS ".-_~*/")] != '\0' || has_dots(r->p))
		return err_set(err, EINVAL,
		    "has a name that goes on with something else than a port and a path of letters, digits and "
		    ".-_~*/: " WRITE);
	if (len > SITE_PATH_MAX)
		return err_set(err, EINVAL, "has a path of %zu bytes: %d are allowed", len, SITE_PATH_MAX);
	/* To Caddy this is one page, not what begins with it. */
	if (r->p[len - 1] == '/')
		return err_set(err, EINVAL,
		    "has a name that ends with \"/\", which is a page alone: write \"example.org\" for the whole site, or "
		    "\"/*\" behind it for what lies below");
	memcpy(r->site.path, r->p, len + 1);
	return 0;
}

/* http on 443, https on 80: a proxy refuses its whole file for that. */
static int
settle_port(struct reading *r, struct err *err)
{
	bool http = r->scheme != NULL && str_eq(r->scheme, "http");
	bool https = r->scheme != NULL && !http;

	if (!r->has_port)
		r->site.port = http ? SITE_PORT_HTTP : SITE_PORT_HTTPS;
	if ((http && r->site.port == SITE_PORT_HTTPS) || (https && r->site.port == SITE_PORT_HTTP))
		return err_set(
		    err, EINVAL, "has a name whose scheme and port contradict each other: leave one of them out");
	r->site.plain = http || r->site.port == SITE_PORT_HTTP;
	if (r->site.host[0] == '\0' && !r->has_port)
		return err_set(err, EINVAL, "has a name without a host: " WRITE);
	return 0;
}

int
site_parse(const char *s, struct site *ret_site, struct err *err)
{
	struct reading r = {.p = s};
	int rc = read_scheme(&r, err);

	if (rc == 0)
		rc = read_host(&r, err);
	if (rc == 0)
		rc = read_port(&r, err);
	if (rc == 0)
		rc = read_path(&r, err);
	if (rc == 0)
		rc = settle_port(&r, err);
	if (rc == 0)
		*ret_site = r.site;
	return rc;
}

/* A slash and a star are all of the site. */
static const char *
path_of(const struct site *s)
{
	return str_eq(s->path, "/*") ? "" : s->path;
}

static int
port_of(const struct site *s)
{
	return s->port == SITE_PORT_HTTP ? SITE_PORT_HTTPS : s->port;
}

bool
site_same(const struct site *a, const struct site *b)
{
	return str_eq(a->host, b->host) && port_of(a) == port_of(b) && strcasecmp(path_of(a), path_of(b)) == 0;
}

char *
site_key(const struct site *s, bool exact)
{
	char *key = str_printf("%s:%d%s", s->host, exact ? s->port : port_of(s), path_of(s));

	for (char *p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return key;
}

static bool
host_covers(const char *a, const char *b)
{
	const char *rest = strchr(b, '.');

	if (a[0] == '\0' || str_eq(a, b))
		return true;
	return str_starts(a, "*.") && rest != NULL && str_eq(a + 1, rest);
}

static bool
path_covers(const char *a, const char *b)
{
	size_t len = strlen(a);

	if (len == 0 || strcasecmp(a, b) == 0)
		return true;
	return a[len - 1] == '*' && strncasecmp(a, b, len - 1) == 0;
}

bool
site_covers(const struct site *a, const struct site *b)
{
	return port_of(a) == port_of(b) && !site_same(a, b) && host_covers(a->host, b->host) &&
	       path_covers(path_of(a), path_of(b));
}
