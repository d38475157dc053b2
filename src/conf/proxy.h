/* The table [proxy]: a Caddy or an nginx on the host that pgod writes the routes for. */
#ifndef PGO_CONF_PROXY_H
#define PGO_CONF_PROXY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/site.h"

enum proxy_type { PROXY_CADDY, PROXY_NGINX };

enum {
	PROXY_ARGS_MAX = 64,
	PROXY_ARG_MAX = 1024,
	PROXY_LISTEN_MAX = 16,
	PROXY_PATH_MAX = 1024,
};

struct conf_proxy {
	enum proxy_type type;
	char *file;	    /* absolute path: what pgod writes, and nobody else */
	struct strv test;   /* the command that tells whether the proxy would take its configuration */
	struct strv reload; /* the command that makes it take it */
	/* Of nginx; Caddy knows by itself: */
	struct strv listen;    /* IP addresses */
	char *certificate;     /* absolute path in which {host} stands for the site's; NULL: no TLS */
	char *certificate_key; /* likewise; there or not there with the other */
	char *challenges;      /* directory of ACME's answers; NULL without */
};

/* Each returns 0, or -EINVAL and the end of a sentence that begins with `key "x"`. */
int rule_proxy_type(const char *s, struct err *err);
int rule_proxy_file(const char *s, struct err *err);
int rule_proxy_arg(const char *s, struct err *err);
int rule_proxy_listen(const char *s, struct err *err);
int rule_proxy_certificate(const char *s, struct err *err);
int rule_proxy_challenges(const char *s, struct err *err);
/* Of a command, its first argument: an absolute path, or a plain name that PATH finds. */
int rule_proxy_program(const char *s, struct err *err);

/* The object of the checked document. Strict: -EINVAL. Whatever it has filled in is freed with proxy_free. */
int proxy_read(json_t *object, struct conf_proxy **ret, struct err *err);
void proxy_free(struct conf_proxy *p);

/* Where a site is served. */
struct proxy_place {
	int port;
	bool tls;
};

/* Without certificates nginx serves on port 80 what would be on 443. certificates: it has them; Caddy always. */
struct proxy_place proxy_place(const struct site *site, bool certificates);
/* Where visitors of a site go, "https://example.org/docs/". The caller frees. */
char *proxy_url(const struct site *site, bool certificates);
/* Can nginx tell its path from others? "", one page, or all that begins so. */
bool proxy_nginx_path_ok(const char *path);

#endif
