/* The names of apps, as they stand behind `git push ssh://HOST/` and in the names of sites; and what such an app is
 * called as a service. Pure. Used wherever one comes in: pgod takes nobody's word for it. */
#ifndef PGO_IPC_APPNAME_H
#define PGO_IPC_APPNAME_H

#include <stdbool.h>

#include "base/err.h"

enum { APPNAME_MAX = 63 };

/* 0, or -EINVAL and the end of a sentence that begins with what has the name: what is wrong, and what to write. A name
 * holds a-z, 0-9, "-" and ".", at most 63 of them; each part between dots begins and ends with a letter or a digit, so
 * that it can stand in a host name; and it does not end with ".git", which git's URLs may have behind it. */
int appname_check(const char *s, struct err *err);
/* What the app is called as a service: compose takes no dots, so each is a "_", which names of apps have not: no two
 * apps are one service. s has passed appname_check. */
void appname_service(const char *s, char ret[APPNAME_MAX + 1]);
/* And back: the service's name is at most 63 long, as all are. */
void appname_of_service(const char *service, char ret[APPNAME_MAX + 1]);

#endif
