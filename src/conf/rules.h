/* What the values of pgo.toml must be. Pure: a string in, a sentence out. Used twice: by pgod-conf on the file, and by
 * conf_parse on the checked document, because pgod and core do not take pgod-conf's word for it. */
#ifndef PGO_CONF_RULES_H
#define PGO_CONF_RULES_H

#include <stddef.h>

#include "base/err.h"

enum {
	RULE_USER_MAX = 64,
	RULE_REPOSITORY_MAX = 2048,
	RULE_BRANCH_MAX = 244, /* a ref is a file: 255 less what git appends */
	RULE_COMPOSE_MAX = 1024,
	RULE_NETWORK_MAX = 255,
	RULE_ENV_MAX = 64 * 1024,
	RULE_REGISTRY_MAX = 16 * 1024, /* some tokens are documents */
	RULE_REGISTRY_HOST_MAX = 255,
	RULE_SIGNERS_MAX = 1024,
	RULE_UPSTREAM_MAX = 63,	    /* a label of the DNS */
	RULE_IMPORT_NAME_MAX = 200, /* a file's name, less what is added to it for a while */
	RULE_RELOAD_MAX = 4096,
	RULE_SHARE_MAX = 1024,
};

/* Each returns 0, or -EINVAL and the end of a sentence that begins with `key "x"`: what is wrong and what to write
 * instead. The sentence of rule_env names at most the variable, those of rule_repository and rule_registry nothing of
 * the value: they may hold secrets. */
int rule_name(const char *s, struct err *err);
int rule_user(const char *s, struct err *err);
int rule_group(const char *s, struct err *err);
int rule_repository(const char *s, struct err *err);
int rule_branch(const char *s, struct err *err);
int rule_compose(const char *s, struct err *err);
/* 64 hexadecimal digits, which pgod-conf has made itself. */
int rule_digest(const char *s, struct err *err);
int rule_env(const char *s, struct err *err);
int rule_network(const char *s, struct err *err);
int rule_registry(const char *s, struct err *err);
int rule_update(const char *s, struct err *err);
int rule_rewind(const char *s, struct err *err);
int rule_signers(const char *s, struct err *err);
int rule_allow(const char *s, struct err *err);
int rule_ports(const char *s, struct err *err);
int rule_mount(const char *s, struct err *err);
/* An entry of `urls`: its name, its value, and both with a space between, as the documents have it. */
int rule_site(const char *s, struct err *err);
int rule_upstream(const char *s, struct err *err);
int rule_route(const char *s, struct err *err);
int rule_import(const char *s, struct err *err);
int rule_reload(const char *s, struct err *err);

/* The repository without the credentials of an http or https URL, and these as "user:password", percent-decoded
 * ("token:" for https://token@host; NULL without). Both are the caller's. Errors are those of rule_repository. */
int rule_split_repository(const char *s, char **ret_url, char **ret_auth, struct err *err);

/* The parts of an entry of `registries`, "[user:]token@registry"; *ret_user is NULL without one. All are the caller's,
 * and the token a secret. Errors are those of rule_registry. */
int rule_split_registry(const char *s, char **ret_user, char **ret_token, char **ret_registry, struct err *err);

/* The host and port that s begins with, up to len: a name, or an IPv6 address in brackets, *ret_len long, and ":port"
 * behind it or nothing. Errors as above. */
int rule_host(const char *s, size_t len, size_t *ret_len, struct err *err);

/* A share "nfs://host[:port]/path", taken apart: brackets stay around an IPv6 address, no slash ends the path. */
struct share_url {
	char *host;
	char *port; /* NULL: the usual one */
	char *path;
};
/* Errors are those of rule_mount. The caller calls share_url_done. */
int rule_split_share(const char *s, struct share_url *ret, struct err *err);
void share_url_done(struct share_url *u);
#define auto_share_url __attribute__((cleanup(share_url_done)))

/* Length of the variable's name in VAR=VALUE; 0 when there is no such name. */
size_t rule_env_name(const char *s);

#endif
