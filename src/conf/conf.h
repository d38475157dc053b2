/* The configuration as pgod and core hold it: read once from checked JSON, never changed. Both JSON documents (what
 * pgod-conf prints and what pgod hands to core) are described in ARCHITECTURE.md, "The configuration's way". */
#ifndef PGO_CONF_CONF_H
#define PGO_CONF_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/operators.h"
#include "conf/proxy.h"
#include "conf/push.h"

struct conf_service {
	char *name;
	char *user;
	char *repository; /* URL or absolute path, without user name and password; "" when hosted */
	bool made;	  /* an app: by a push or an operator, it stands in no file */
	size_t place;	  /* where conf_at has it */
	bool hosted;	  /* commits are pushed to us: no remote is ever asked */
	char *auth;    /* "user:password" that stood in the URL; NULL without. A secret: never in core, argv or a log */
	char *source;  /* hex digest of the repository as configured: tells core that the key was changed */
	char *branch;  /* never NULL: "main" by default */
	char *compose; /* alternate compose file, relative to the checkout; NULL without */
	struct strv env;	/* VAR=VALUE; secrets: never in core, argv or a log */
	struct strv registries; /* [USER:]TOKEN@REGISTRY; secrets: never in core, argv, an environment or a log */
	bool has_networks; /* the key is present; `networks` lists the external networks allowed. An empty list allows
			      all, as documented */
	struct strv networks;
	int64_t timeout_ms;	   /* of each job of a deploy, in place of the menu's; 0: as the menu says */
	int64_t health_timeout_ms; /* how long containers may take to become healthy */
	int64_t settle_ms;	   /* how long one without a healthcheck must run before its release counts as live */
	int keep;		   /* good releases that can be gone back to: models, commits and images stay */
	char *update;	  /* "recreate", "in-place", "start-first": for a compose file that does not say; NULL */
	char *signers;	  /* absolute path of an allowed-signers file; NULL without. In core's document only whether */
	char *mount;	  /* "nfs://server/export"; NULL without. In core's document only whether */
	bool shared;	  /* nothing of the service starts unless its share is mounted on its data directory */
	bool signed_only; /* commits need the signature of one of the signers */
	bool rewind_refused;  /* a force push that drops the deployed commit is not followed */
	char *env_digest;     /* of `env`, to be compared: whoever has it can try what the values are, so it is
				 not written down as it is */
	char *group;	      /* of an older pgo: read for the sake of a warning; NULL */
	struct strv masks;    /* by which core hides secrets that it does not know: conf/mask.h */
	bool ignore;	      /* reload is false where the compose file's x-pgo does not say */
	struct strv allow;    /* what the policy lets pass besides, "key:value" or "key" */
	struct strv ports;    /* "5005/5": published ports that are allowed, 5005 to 5010 */
	struct strv urls;     /* "host port-less-upstream-name:port" pairs: "example.org web:8080" */
	char *import;	      /* file to write all routes to, relative to the checkout; NULL without */
	char *reload;	      /* "machine:service//exec WORD...": how the proxy takes it in; NULL without */
	int64_t cpus_milli;   /* the most of a container: thousandths of a processor; 0: no limit */
	int64_t memory_bytes; /* likewise */
	int64_t pids;	      /* likewise */
	int line;	      /* of the [[services]] header in pgo.toml; 0 in core's document */
	int user_line;	      /* of the value of `user`, for "unknown account" */
	int user_column;
	/* Known to pgod, which looks the account up; carried in core's document. */
	int remote; /* only in core's document: the same number is the same repository, credentials and branch; -1 when
		       hosted */
	uid_t uid;
	gid_t gid;
};

/* `source` of what is pushed to us: the digest of no repository. */
#define CONF_SOURCE_HOSTED "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct conf {
	struct conf_service *services; /* in the order of the file */
	size_t nservices;
	struct conf_service **apps; /* made by pushes, by name: they come and go while we run. In pgod and core */
	size_t napps;
	struct conf_operators operators;
	json_t
	    *shown; /* what people may see of the file: name of a top-level table → [{"set", "otherwise"}] (shown.h) */
	struct conf_proxy *proxy; /* NULL without one, and in core's document, which tells only whether there is one: */
	bool proxied;
	bool plain;		/* its sites are served without TLS: an nginx without certificates */
	struct conf_push *push; /* NULL: nothing is accepted by push */
	/* Only in core's document: */
	char *dir; /* the state directory, clean absolute path */
	char *datadir;
	char *pins; /* where pgod keeps the mounts of ipc/pins.h */
	int64_t poll_ms;
	int64_t started_ms; /* wall clock of pgod's start */
};

/* Reads either document. Strict: what is missing, unknown or of another type is -EINVAL. The caller frees with
 * conf_free. */
struct conf *conf_parse(const char *json, size_t len, struct err *err);
void conf_free(struct conf *c);
/* The services of the file, and the apps behind them: i < conf_count. What it returns stays where it is until it is
 * removed; its place may change when an app comes or goes. */
size_t conf_count(const struct conf *c);
const struct conf_service *conf_at(const struct conf *c, size_t i);
/* An app begins to be, or ends; name as in conf_app. -EEXIST when the name is taken, with a sentence. */
int conf_add_app(struct conf *c, const char *name, uid_t uid, const struct conf_service **ret, struct err *err);
void conf_remove_app(struct conf *c, const struct conf_service *s);
/* NULL when there is none of this name, neither in the file nor among the apps. */
const struct conf_service *conf_find(const struct conf *c, const char *name);
/* Core's document: everything but the secrets. The caller frees the string. */
char *conf_for_core(const struct conf *c);

#endif
