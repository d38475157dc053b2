#include "conf/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "conf/fields.h"

#define FILE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+@%=-"

static const char *const types[] = {[PROXY_CADDY] = "caddy", [PROXY_NGINX] = "nginx"};

int
rule_proxy_type(const char *s, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_eq(s, types[i]))
			return 0;
	}
	return err_set(err, EINVAL, "is no proxy that pgod can write for: write \"caddy\" or \"nginx\"");
}

static int
check_path(const char *s, const char *example, struct err *err)
{
	if (s[0] != '/')
		return err_set(err, EINVAL, "is no absolute path: write it like \"%s\"", example);
	if (!path_is_clean(s) || str_eq(s, "/"))
		return err_set(
		    err, EINVAL, "has \"..\", \".\" or \"//\", or ends with \"/\": write it like \"%s\"", example);
	if (strlen(s) > PROXY_PATH_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), PROXY_PATH_MAX);
	return 0;
}

/* These stand in the proxy's configuration. */
static int
check_chars(const char *s, struct err *err)
{
	if (s[strspn(s, FILE_CHARS)] != '\0')
		return err_set(err, EINVAL, "may hold only letters, digits and /._+@%%=-");
	return 0;
}

int
rule_proxy_file(const char *s, struct err *err)
{
	int rc = check_path(s, "/etc/nginx/conf.d/pgo.conf", err);

	return rc < 0 ? rc : check_chars(s, err);
}

int
rule_proxy_challenges(const char *s, struct err *err)
{
	int rc = check_path(s, "/var/www/acme", err);

	return rc < 0 ? rc : check_chars(s, err);
}

int
rule_proxy_certificate(const char *s, struct err *err)
{
	const char *hole = strstr(s, "{host}");
	auto_free char *plain =
	    hole == NULL ? str_dup(s) : str_printf("%.*shost%s", (int)(hole - s), s, hole + strlen("{host}"));
	int rc = check_path(plain, "/etc/letsencrypt/live/{host}/fullchain.pem", err);

	return rc < 0 ? rc : check_chars(plain, err);
}

int
rule_proxy_arg(const char *s, struct err *err)
{
	if (strlen(s) > PROXY_ARG_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), PROXY_ARG_MAX);
	return 0;
}

int
rule_proxy_program(const char *s, struct err *err)
{
	if (s[0] == '\0' || s[0] == '-' || (strchr(s, '/') != NULL && (!path_is_clean(s) || str_eq(s, "/"))))
		return err_set(err, EINVAL,
		    "is no program: write its absolute path, or a plain name that is found in /usr/sbin, /usr/bin, /sbin "
		    "or /bin");
	return 0;
}

int
rule_proxy_listen(const char *s, struct err *err)
{
	struct in6_addr any;

	if (inet_pton(AF_INET, s, &any) != 1 && inet_pton(AF_INET6, s, &any) != 1)
		return err_set(err, EINVAL, "is no IP address: write it like \"0.0.0.0\" or \"::\", without a port");
	return 0;
}

void
proxy_free(struct conf_proxy *p)
{
	if (p == NULL)
		return;
	free(p->file);
	strv_done(&p->test);
	strv_done(&p->reload);
	strv_done(&p->listen);
	free(p->certificate);
	free(p->certificate_key);
	free(p->challenges);
	free(p);
}

static int
read_command(const json_t *list, const char *name, struct strv *sv, struct err *err)
{
	int rc = field_list(list, name, rule_proxy_arg, sv, err);

	if (rc < 0)
		return rc;
	if (sv->n == 0 || sv->n > PROXY_ARGS_MAX)
		return err_set(err, EINVAL, "\"%s\" is no command", name);
	return rule_proxy_program(sv->v[0], err);
}

static int
read_nginx(json_t *o, struct conf_proxy *p, struct err *err)
{
	const json_t *certificate = json_object_get(o, "certificate");
	int rc;

	if ((rc = field_list(json_object_get(o, "listen"), "listen", rule_proxy_listen, &p->listen, err)) < 0 ||
	    (rc = field_optional(certificate, "certificate", rule_proxy_certificate, &p->certificate, err)) < 0 ||
	    (rc = field_optional(json_object_get(o, "certificate_key"), "certificate_key", rule_proxy_certificate,
		 &p->certificate_key, err)) < 0)
		return rc;
	if (p->listen.n > PROXY_LISTEN_MAX || (p->certificate == NULL) != (p->certificate_key == NULL))
		return err_set(err, EINVAL, "\"listen\" or \"certificate_key\" does not suit");
	return field_optional(
	    json_object_get(o, "challenges"), "challenges", rule_proxy_challenges, &p->challenges, err);
}

static int
read_into(json_t *o, struct conf_proxy *p, struct err *err)
{
	const char *type = NULL;
	const char *file = NULL;
	const json_t *test = NULL;
	const json_t *reload = NULL;
	const json_t *other = NULL;
	json_error_t e;
	int rc;

	if (json_unpack_ex(o, &e, JSON_STRICT, "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "type", &type, "file", &file,
		"test", &test, "reload", &reload, "listen", &other, "certificate", &other, "certificate_key", &other,
		"challenges", &other) < 0)
		return err_set(err, EINVAL, "%s", e.text);
	if ((rc = rule_proxy_type(type, err)) < 0 ||
	    (rc = field_string(file, "file", rule_proxy_file, &p->file, err)) < 0 ||
	    (rc = read_command(test, "test", &p->test, err)) < 0 ||
	    (rc = read_command(reload, "reload", &p->reload, err)) < 0)
		return rc;
	p->type = str_eq(type, types[PROXY_NGINX]) ? PROXY_NGINX : PROXY_CADDY;
	return read_nginx(o, p, err);
}

int
proxy_read(json_t *object, struct conf_proxy **ret, struct err *err)
{
	struct conf_proxy *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		abort();
	rc = read_into(object, p, err);
	if (rc < 0) {
		proxy_free(p);
		return err_wrap(err, "\"proxy\"");
	}
	*ret = p;
	return 0;
}

struct proxy_place
proxy_place(const struct site *site, bool certificates)
{
	if (site->plain || certificates)
		return (struct proxy_place){site->port, !site->plain};
	return (struct proxy_place){site->port == SITE_PORT_HTTPS ? SITE_PORT_HTTP : site->port, false};
}

char *
proxy_url(const struct site *site, bool certificates)
{
	struct proxy_place place = proxy_place(site, certificates);
	bool usual = place.port == (place.tls ? SITE_PORT_HTTPS : SITE_PORT_HTTP);
	const char *scheme = place.tls ? "https" : "http";
	bool ip6 = strchr(site->host, ':') != NULL;
	auto_free char *port = usual ? str_dup("") : str_printf(":%d", place.port);

	return str_printf("%s://%s%s%s%s%.*s", scheme, ip6 ? "[" : "", site->host, ip6 ? "]" : "", port,
	    (int)strcspn(site->path, "*"), site->path);
}

bool
proxy_nginx_path_ok(const char *path)
{
	const char *star = strchr(path, '*');

	return star == NULL || star[1] == '\0';
}
