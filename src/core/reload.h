/* The key `reload` of a service: what it runs, and where. Pure. */
#ifndef PGO_CORE_RELOAD_H
#define PGO_CORE_RELOAD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* A command in the container of a compose service of the importing service. */
struct reload {
	char *target; /* the compose service */
	struct strv command;
};
#define auto_reload __attribute__((cleanup(reload_done)))
void reload_done(struct reload *r);

/* "machine:NAME//exec WORD...", as rule_reload lets pass, has two readings. The documented one: NAME is the compose
 * service, and the words are the command. That of pgoctl(1): NAME is the service of pgo, this one, and the first word
 * the compose service. It is the latter when only that fits a release with these compose services, or when both do and
 * the second word says that the first was the compose service: it is the same once more, or "caddy". -ENOENT with a
 * sentence when neither fits. */
int reload_read(
    const char *line, const char *service, const struct strv *compose_services, struct reload *ret, struct err *err);
/* For a command `caddy reload ...`: the one with which the same program checks a Caddyfile. False for any other, of
 * which only its exit status tells whether it liked the file. */
bool reload_check_command(const struct reload *r, const char *file, struct strv *ret);

#endif
