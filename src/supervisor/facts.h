/* What pgod found out at its start and never changes while it runs. */
#ifndef PGO_SUPERVISOR_FACTS_H
#define PGO_SUPERVISOR_FACTS_H

#include <stdbool.h>

#include "conf/conf.h"
#include "supervisor/account.h"

struct facts {
	const struct conf *conf;
	const struct account *accounts; /* one a service, in the order of conf->services */
	struct account core;		/* _pgod */
	struct account ssh;		/* _pgod-ssh */
	int dirfd;			/* <dir> */
	int datafd;			/* <datadir> */
	const char *dir;
	const char *datadir;
	const char *run;     /* what is gone after a reboot: the pins */
	const char *libexec; /* where pgod-core, pgod-ssh, pgod-conf and pgod-job are */
	const char *mount;   /* mount(8) */
	char *compose;	     /* absolute path of compose v2, without symbolic links */
	char *engine_path;   /* the engine's socket */
	bool debug;
};

/* The account of a configured service, NULL when the name is not configured. */
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
