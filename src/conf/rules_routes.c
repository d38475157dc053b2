/* The keys that say how a service is reached: its routes. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"
#include "conf/site.h"

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
