/* What a compose file may ask for: one const table of every key that compose knows (policy_table.c), each allowed,
 * refused or checked by a function, with a sentence and what to write instead. What is not in the table is refused; x-*
 * is anybody's. */
#ifndef PGO_COMPOSE_POLICY_H
#define PGO_COMPOSE_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "compose/limit.h"
#include "compose/names.h"

/* Another service of this host: what it has taken. */
struct policy_other {
	const char *name;
	bool before;		  /* stands before ours in the configuration: what both want is its */
	const struct strv *urls;  /* as in struct policy; NULL: none */
	struct model_names names; /* of its current release; borrowed, empty without one */
};

struct policy {
	const char *project;	     /* the service's name: compose's project */
	const char *live;	     /* clean absolute path of the live tree */
	const char *datadir;	     /* clean absolute path of <datadir>/<service>; NULL: none */
	bool root;		     /* user = "root": the documented restrictions are lifted */
	bool has_networks;	     /* the configuration has the key `networks` */
	const struct strv *networks; /* external networks that may be used; empty or absent: all, as documented */
	/* The administrator's words about this service, in the forms of the configuration (conf.h); NULL: none. */
	const struct strv *allow; /* "cap_add:NET_ADMIN": src/ipc/allow.h */
	const struct strv *ports; /* "5005/5": 5005 to 5010 may be published */
	const struct strv *urls;  /* "example.org web:8080" */
	struct model_limits limits;
	const struct policy_other *others;
	size_t nothers;
};

struct violation {
	char *path;   /* where in the model: services.web.volumes[0].source */
	char *rule;   /* what is refused, without the path: "privileged is not allowed" */
	char *advice; /* what to write instead */
};

enum { VIOLATIONS_MAX = 100 };

struct violations {
	struct violation *v;
	size_t n;
	bool more; /* there were more than VIOLATIONS_MAX */
};

#define auto_violations __attribute__((cleanup(violations_done)))
void violations_done(struct violations *vs);

/* Checks the model and adds every violation to ret, sorted by path. Returns their number (0: the model is approved).
 * Paths are judged as they are written: symbolic links are found by the job `inputs` (policy_symlink). */
size_t policy_check(const json_t *model, const struct policy *policy, struct violations *ret);

/* The part of it that holds for every account: adds a violation for each unknown key and wrong value in x-pgo. */
void policy_x_pgo(const json_t *model, struct violations *ret);

/* The answer "symlink LINK" of the job `inputs` about the path INPUT, as a violation wherever the model names INPUT. */
void policy_symlink(const json_t *model, const char *input, const char *link, struct violations *ret);

/* The labels and variables that a container of `service` takes over from its image: what the policy refuses in the
 * model is refused there as well, but for compose's own labels, which compose replaces. `config` is
 * {"Labels": {...}, "Env": ["A=b"]}, as the engine has it; may be NULL. */
void policy_image_config(
    const json_t *config, const char *service, const struct policy *policy, struct violations *ret);

/* One line a violation: "services.web.privileged: privileged is not allowed; remove the key\n". All that is foreign is
 * escaped; a line that says so ends a list that was cut. The caller frees. */
char *violations_text(const struct violations *vs);
/* The first of them, and how many more there are. The caller frees. */
char *violations_summary(const struct violations *vs);

/* {"violations": [{"path", "rule", "advice"}, ...], "more": bool}: the same for programs, escaped likewise. The caller
 * decrefs. */
json_t *violations_json(const struct violations *vs);

#endif
