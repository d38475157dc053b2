/* The keys that say how a service is reached: its routes. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"
#include "conf/site.h"
#include "ipc/opline.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

enum { PORT_MAX = 65535 };

int
rule_site(const char *s, struct err *err)
{
	struct site site;

	return site_parse(s, &site, err);
}

int
rule_upstream(const char *s, struct err *err)
{
	size_t len = strspn(s, NAME_CHARS);
	int64_t port = 0;

	/* The proxy's own machine is, for one in a container, that container. */
	if (s[0] == ':')
		return err_set(err, EINVAL,
		    "names no compose service: \":5007\", a port of this machine, is of an older pgo; write it like "
		    "\"example.org\" = \"web:5007\"");
	if (len == 0 || strchr("._-", s[0]) != NULL || s[len] != ':' || s[len + 1] == '-' ||
	    !str_to_int(s + len + 1, 1, PORT_MAX, &port))
		return err_set(err, EINVAL,
		    "does not lead to a port of a compose service: write it like \"example.org\" = \"web:8080\"");
	if (len > RULE_UPSTREAM_MAX)
		return err_set(err, EINVAL, "has a name of %zu bytes: %d are allowed", len, RULE_UPSTREAM_MAX);
	return 0;
}

int
rule_route(const char *s, struct err *err)
{
	size_t len = strcspn(s, " ");
	auto_free char *site = str_printf("%.*s", s[len] == '\0' ? 0 : (int)len, s);

	if (rule_site(site, err) < 0)
		return -EINVAL;
	return rule_upstream(s + len + 1, err);
}

/* The file is written anew with every change, under another name first, and so is none of the repository's. */
int
rule_import(const char *s, struct err *err)
{
	const char *base = strrchr(s, '/');

	if (rule_compose(s, err) < 0)
		return -EINVAL;
	if (str_eq(s, "ssh") || str_starts(s, "ssh/"))
		return err_set(err, EINVAL, "lies where the service's keys are: write another file");
	if (strlen(base == NULL ? s : base + 1) > RULE_IMPORT_NAME_MAX)
		return err_set(err, EINVAL, "has a name of more than %d bytes", RULE_IMPORT_NAME_MAX);
	return 0;
}

/* machine:service//exec WORD...: which service that is, and what the words are, core decides by the release. */
int
rule_reload(const char *s, struct err *err)
{
	static const char write[] =
	    "write it like \"localhost:caddy//exec caddy reload --config /etc/caddy/Caddyfile\"";
	auto_opline struct opline ol = OPLINE_INIT;
	const char *name;

	if (strlen(s) > RULE_RELOAD_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_RELOAD_MAX);
	if (opline_parse(s, strlen(s), &ol, err) < 0)
		return err_set(err, EINVAL, "is no line for pgoctl: %s", write);
	if (!str_eq(ol.op, "exec"))
		return err_set(err, EINVAL, "has another operation than exec: %s", write);
	name = strrchr(ol.service, ':');
	if (name == NULL || name == ol.service)
		return err_set(err, EINVAL, "names no machine before the service, which may be any: %s", write);
	name++;
	if (name[0] == '\0' || strchr("._-", name[0]) != NULL || name[strspn(name, NAME_CHARS)] != '\0')
		return err_set(err, EINVAL, "names no service between \":\" and \"//\": %s", write);
	if (ol.args.n == 0)
		return err_set(err, EINVAL, "names no command behind exec: %s", write);
	if (ol.args.v[0][0] == '-' || ol.args.v[0][0] == '\0')
		return err_set(err, EINVAL, "has an option or nothing in the place of the command: %s", write);
	return 0;
}
