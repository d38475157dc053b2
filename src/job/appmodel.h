/* The compose file of an app that has none: one service, `web`, built from the commit. Its text is JSON, which is YAML
 * as well. Pure; the Dockerfile and the config vars are hostile, so is everything made of them: the policy judges it
 * like any compose file. */
#ifndef PGO_JOB_APPMODEL_H
#define PGO_JOB_APPMODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "job/directives.h"

enum app_kind { APP_COMPOSE, APP_DOCKERFILE, APP_STATIC };

struct app_source {
	enum app_kind kind;
	const char *name;
	const char *hostname;		/* of its container; NULL: the engine's choice */
	const char *static_image;	/* for APP_STATIC: an image that serves APPMODEL_SITE_DIR */
	const struct strv *vars;	/* config vars, "NAME=value" */
	const struct strv *allowed;	/* names of the directives that the administrator follows */
	const struct directives *found; /* of the Dockerfile */
};

/* Where web servers' own images expect a site. */
#define APPMODEL_SITE_DIR "/usr/share/nginx/html/"

/* The host name of an app's container: the last line of the file CNAME that one can be. The caller frees; NULL when
 * there is none. */
char *appmodel_hostname(const char *cname);

/* The compose file: of a compose app only what is laid over its own, which says what the config vars want of it. What
 * is wrong goes to complaints, a sentence each; the text is then good for nothing. */
void appmodel_write(const struct app_source *a, struct buf *ret, struct strv *complaints);

#endif
