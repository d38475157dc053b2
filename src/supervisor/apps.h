/* The apps that pushes have made: a name and a user id each, in a file of <dir>/.apps. Core asks for them; the names,
 * the numbers and the files are pgod's. */
#ifndef PGO_SUPERVISOR_APPS_H
#define PGO_SUPERVISOR_APPS_H

#include "conf/conf.h"
#include "supervisor/facts.h"

/* Reads what there is into conf, which must outlive it, and sets facts->apps. What cannot be an app is told in the log
 * and left out. */
int apps_open(struct facts *f, struct conf *conf, struct apps **ret, struct err *err);
void apps_free(struct apps *as);
/* The account of an app, by its configuration; NULL when it is none of ours. */
const struct account *apps_account(const struct apps *as, const struct conf_service *s);
/* Makes an app, with a user id that none ever had: it is on the disk when this returns. name is not trusted. */
int apps_create(struct apps *as, const char *name, const struct conf_service **ret, struct err *err);
/* The record of an app goes, durably; nothing when the service has none. In memory it stays. */
int apps_erase(struct apps *as, const char *service, struct err *err);
/* And from memory, with its configuration; nothing when the service is no app. */
void apps_drop(struct apps *as, const char *service);

#endif
