/* The directories of ARCHITECTURE.md: made, given to their accounts, put away. Root never follows a symbolic link here,
 * never works recursively, and never gives a directory with something in it to someone else. */
#ifndef PGO_SUPERVISOR_DIRS_H
#define PGO_SUPERVISOR_DIRS_H

#include "base/buf.h"
#include "supervisor/facts.h"

/* Makes <dir> with its parents (0755) when missing and opens it; refuses one that is not root's or that others can
 * write in. Returns the descriptor, which the caller closes. */
int dirs_open(const char *dir, struct err *err);
/* Takes the one lock that says a pgod works on this <dir>; -EBUSY when another one still does after
 * two seconds. Returns the descriptor: as long as it is open the lock is held. */
int dirs_claim(int dirfd, const char *dir, struct err *err);
/* Makes pgod's own directories in f->dirfd, and the data directory (0755), which it opens as f->datafd. */
int dirs_base(struct facts *f, struct err *err);
/* Makes the directories of one service. Adds to problem what is wrong and what to do, for the administrator; nothing
 * when all is well. */
void dirs_service(const struct facts *f, const struct conf_service *s, struct buf *problem);
/* Makes again what somebody deleted of a service's directories while pgod runs, but not its checkout: that is looked at
 * when pgod starts. */
int dirs_again(const struct facts *f, const char *service, const struct account *a, struct err *err);
/* Moves the directories of a service that is not configured to <dir>/.removed/<service>-<UTC time>/. Of an app also its
 * data directory, to <datadir>/.removed/, after its record and its stop file are gone. */
int dirs_retire(const struct facts *f, const char *service, struct err *err);

#endif
