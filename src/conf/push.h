/* The table [push]: what may be pushed to this host, what the apps are called that a first push makes, and what they
 * may do. Without the table nothing is accepted by push. */
#ifndef PGO_CONF_PUSH_H
#define PGO_CONF_PUSH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct conf_service;

enum {
	PUSH_ID_MIN = 1000, /* below are the system's own accounts */
	PUSH_IDS_MAX = 1000 * 1000,
	PUSH_HOST_MAX = 200, /* of `domain` and `suffix`: an app's name and an address come in front of it */
	PUSH_IMAGE_MAX = 255,
};

struct conf_push {
	bool create;	      /* the first push to a name that nobody has makes the app */
	bool ends;	      /* a push that deletes a branch destroys its app (`delete`) */
	struct strv branches; /* that are deployed as the app itself: whichever the repository has first */
	char *domain;	      /* apps are called NAME.domain; NULL: NAME.address.suffix */
	char *address; /* IPv4; in the checked document NULL where pgod looks for it itself; never NULL in core's */
	char *suffix;  /* "sslip.io" */
	char *scheme;  /* of the sites of apps: "http" or "https" */
	char *proxy_network;	/* where a proxy in a container finds apps; NULL: nowhere */
	int64_t max_bytes;	/* of what one push sends */
	int64_t max_objects;	/* likewise */
	char *registry;		/* "user:token@host/path"; NULL without, and in core: a secret */
	char *registry_name;	/* "host/path" of it, in both documents; NULL without */
	struct strv masks;	/* of that secret: conf/mask.h */
	struct strv directives; /* octohost's comments in a Dockerfile that are followed: "MOUNT_FROM_HOST" */
	char *static_image;	/* which serves a site of plain files; NULL: such a site is refused */
	uid_t first_id;		/* accounts of apps, uid and gid alike, no account of the system among them */
	uid_t last_id;
	struct conf_service *service; /* what such an app has beside its name and account; never NULL */
};

/* Each returns 0, or -EINVAL and the end of a sentence that begins with `key "x"`; that of a registry tells nothing of
 * the value. */
int rule_push_host(const char *s, struct err *err);
int rule_push_address(const char *s, struct err *err);
int rule_push_scheme(const char *s, struct err *err);
int rule_push_registry(const char *s, struct err *err);
int rule_push_registry_name(const char *s, struct err *err);
/* Of an entry of `registries`: it must name the user, for an app's account has no name. */
int rule_push_login(const char *s, struct err *err);
int rule_push_directive(const char *s, struct err *err);
int rule_push_image(const char *s, struct err *err);
int rule_push_ids(const char *s, struct err *err);

/* The parts of `registry`; all are the caller's, and the token a secret. Errors are those of the rule. */
int push_split_registry(
    const char *s, char **ret_user, char **ret_token, char **ret_host, char **ret_path, struct err *err);
/* What images are called there: "host/path", or "host". The caller frees. s has passed the rule. */
char *push_registry_name(const char *s);
/* "70000-79999" that the rule has passed. */
void push_split_ids(const char *s, uid_t *ret_first, uid_t *ret_last);

/* The object of a document: pgod-conf's (checked), with the secrets, or core's. Strict: -EINVAL. */
int push_read(json_t *object, bool checked, struct conf_push **ret, struct err *err);
/* The object for one. The caller owns it. */
json_t *push_json(const struct conf_push *p, bool checked);
void push_free(struct conf_push *p);
/* Adds the masks of the registry's password to those of a hosted service, whose images are pushed there; each once. */
void push_hide(const struct conf_push *p, struct strv *masks);

/* The configuration of an app that was made by a push: what `p` says, or the defaults of all keys where [push] has been
 * taken out of the file (NULL). name is the app's (ipc/appname.h). The caller frees it with conf_app_free. */
struct conf_service *conf_app(const struct conf_push *p, const char *name, uid_t uid);
void conf_app_free(struct conf_service *s);

#endif
