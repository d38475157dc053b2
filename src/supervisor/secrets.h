/* What a job may read and nobody else: files that exist in the job's own mount namespace alone, and are gone with its
 * last process, however that ends. */
#ifndef PGO_SUPERVISOR_SECRETS_H
#define PGO_SUPERVISOR_SECRETS_H

#include "base/buf.h"
#include "supervisor/job.h"

enum { SECRETS_MAX = 4 };

struct secret {
	const char *name;
	const char *variable; /* by which the job finds it */
	bool is_dir;	      /* the variable names the directory that the file is in */
	struct buf data;
};

struct secrets {
	struct secret files[SECRETS_MAX];
	size_t n;
	bool temporary; /* and the job's temporary files are to be there, which nobody would take away elsewhere */
};
#define auto_secrets __attribute__((cleanup(secrets_done)))

/* What a job of this kind gets. s is NULL for a service that is no longer configured, which has none. */
int secrets_of(const struct facts *f, const struct job_kind *k, const struct conf_service *s, const struct account *a,
    struct secrets *ret, struct err *err);
/* Is there anything to be mounted? */
bool secrets_any(const struct secrets *s);
/* Adds the variables that say where they are, when they are in dir. */
void secrets_envp(const struct secrets *s, const char *dir, struct strv *envp);
/* Makes the files: a small tmpfs over dir, which is root's, owned by the account as they are. To be called in the job's
 * child, in a mount namespace of its own, before it becomes the account. */
int secrets_mount(const struct secrets *s, const char *dir, uid_t uid, gid_t gid, struct err *err);
/* Overwrites and frees them. */
void secrets_done(struct secrets *s);

#endif
