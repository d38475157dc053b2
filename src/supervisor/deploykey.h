/* Deploy keys: a key pair of each service for its repository, made on request. Root keeps the private half, which jobs
 * that speak to the repository get as a secret; the public half is for whoever adds it there. */
#ifndef PGO_SUPERVISOR_DEPLOYKEY_H
#define PGO_SUPERVISOR_DEPLOYKEY_H

#include "base/buf.h"
#include "supervisor/facts.h"

/* The public half as a line of authorized_keys; makes the pair when there is none, or another one when it is to be
 * renewed. The caller frees. */
int deploykey_line(const struct facts *f, const char *service, bool renew, char **ret_line, struct err *err);
/* The private half into ret, which stays empty when there is none. */
int deploykey_private(const struct facts *f, const char *service, struct buf *ret, struct err *err);
/* Moves the key of a service that has gone into the directory `to`, where the rest of it is. */
int deploykey_retire(const struct facts *f, const char *service, int to, struct err *err);
/* pgod --deploy-key: prints the line of the service in a <dir> at which no pgod need run. Exit status. */
int deploykey_print(const char *dir, const char *service);

#endif
