/* The configuration: pgod opens the file, pgod-conf (as nobody) reads it, the accounts are looked up here. */
#ifndef PGO_SUPERVISOR_CONFIG_H
#define PGO_SUPERVISOR_CONFIG_H

#include "base/buf.h"
#include "conf/conf.h"
#include "ipc/channel.h"
#include "supervisor/account.h"

enum { CONFIG_MAX = 1024 * 1024 }; /* bytes of pgo.toml */

struct config {
	struct buf bytes;	  /* the file as it was read */
	struct conf *conf;	  /* NULL when there are problems */
	struct account *accounts; /* one a service, in the same order */
	struct strv problems;	  /* FILE:LINE:COLUMN: sentence */
	struct strv warnings;	  /* likewise, of what is accepted */
};
#define CONFIG_INIT                           \
	{                                     \
		.bytes = BUF_INIT(CONFIG_MAX) \
	}
#define auto_config __attribute__((cleanup(config_done)))

/* Reads the file's bytes; follows symbolic links, refuses what is not a regular file or larger than b->limit. */
int config_read(const char *path, struct buf *b, struct err *err);
/* Reads and checks the configuration. Returns 0; -EINVAL with c->problems not empty when the file has errors; another
 * error with a sentence when it could not be checked. c must be empty (CONFIG_INIT); the caller frees it in every case.
 * Blocks for at most ten seconds. */
int config_load(const char *path, const char *libexec, struct config *c, struct err *err);
/* Hands core its document, which has no secrets: those stay here, for the jobs' environment. */
int config_send(const struct config *c, struct channel *ch, struct err *err);
void config_done(struct config *c);

#endif
