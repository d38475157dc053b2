/* What pgod found out at its start and never changes while it runs; but apps come and go. */
#ifndef PGO_SUPERVISOR_FACTS_H
#define PGO_SUPERVISOR_FACTS_H

#include <stdbool.h>

#include "conf/conf.h"
#include "supervisor/account.h"

struct apps;

struct facts {
	const struct conf *conf;
	const struct account *accounts; /* one a service, in the order of conf->services */
	struct apps *apps;		/* their accounts; NULL before they are read */
	struct account core;		/* _pgod */
	struct account ssh;		/* _pgod-ssh */
	struct account web;		/* _pgod-web; name NULL while metrics are not served */
	int dirfd;			/* <dir> */
	int datafd;			/* <datadir> */
	const char *dir;
	const char *datadir;
	const char *run;     /* what is gone after a reboot: the pins */
	const char *libexec; /* where the other programs of pgo are */
	const char *mount;   /* mount(8) */
	char *compose;	     /* absolute path of compose v2, without symbolic links */
	char *engine_path;   /* the engine's socket */
	bool debug;
};

/* Finds pgo's own accounts. Without the one for metrics these are not served (web: are they wanted?), which the log
 * says; without another one, an error says how to make it. */
int facts_find_accounts(struct facts *f, bool web, struct err *err);
/* The account of a configured service or an app, NULL when the name is not configured. */
const struct account *facts_account(const struct facts *f, const char *service);
/* Where the other programs of pgo are: $PGO_LIBEXEC when set (an absolute path, for running from a build tree), else
 * where they were installed. */
const char *facts_libexec(void);
/* $PGO_MOUNT when set (an absolute path, for tests), else mount(8). */
const char *facts_mount(void);
/* $PGO_RUN when set (an absolute path), else /run/pgo. */
const char *facts_run(void);
void facts_done(struct facts *f);

#endif
