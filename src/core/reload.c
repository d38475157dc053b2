#include "core/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ipc/opline.h"

void
reload_done(struct reload *r)
{
	free(r->target);
	strv_done(&r->command);
	*r = (struct reload){0};
}

static bool
is_pgoctl_reading(const char *name, const struct strv *words, const char *service, const struct strv *compose_services)
{
	if (!str_eq(name, service) || words->n < 2 || !strv_has(compose_services, words->v[0]))
		return false;
	return !strv_has(compose_services, name) || str_eq(words->v[1], words->v[0]) || str_eq(words->v[1], "caddy");
}

static int
neither(const char *name, const struct strv *words, const struct strv *compose_services, struct err *err)
{
	auto_buf struct buf names = BUF_INIT(256);

	for (size_t i = 0; i < compose_services->n; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", compose_services->v[i]);
	return err_set(err, ENOENT,
	    "reload: neither \"%s\" before // nor \"%s\" behind exec is a compose service of the release, which has %s",
	    name, words->v[0], names.len > 0 ? names.data : "none");
}

int
reload_read(
    const char *line, const char *service, const struct strv *compose_services, struct reload *ret, struct err *err)
{
	auto_opline struct opline ol = OPLINE_INIT;
	const char *name;
	size_t skip = 0;
	int rc = opline_parse(line, strlen(line), &ol, err);

	if (rc < 0)
		return rc;
	name = strrchr(ol.service, ':') + 1;
	if (is_pgoctl_reading(name, &ol.args, service, compose_services))
		skip = 1;
	else if (!strv_has(compose_services, name))
		return neither(name, &ol.args, compose_services, err);
	ret->target = str_dup(skip > 0 ? ol.args.v[0] : name);
	for (size_t i = skip; i < ol.args.n; i++)
		strv_add(&ret->command, ol.args.v[i]);
	return 0;
}

bool
reload_check_command(const struct reload *r, const char *file, struct strv *ret)
{
	const char *program = r->command.v[0];
	const char *slash = strrchr(program, '/');

	if (!str_eq(slash == NULL ? program : slash + 1, "caddy") || r->command.n < 2 ||
	    !str_eq(r->command.v[1], "reload"))
		return false;
	strv_add(ret, program);
	strv_add(ret, "validate");
	strv_add(ret, "--config");
	strv_add(ret, file);
	strv_add(ret, "--adapter");
	strv_add(ret, "caddyfile");
	return true;
}
