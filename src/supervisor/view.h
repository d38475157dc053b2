/* What a job sees of the file system. Set up in the child, as root, before it becomes the account. */
#ifndef PGO_SUPERVISOR_VIEW_H
#define PGO_SUPERVISOR_VIEW_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct secrets;

enum view_kind {
	VIEW_PLAIN,  /* the host's file system; with secrets, in a mount namespace of its own */
	VIEW_STAGED, /* the same, with the stage lying over the live tree */
	VIEW_SEALED, /* a private root: /usr, the programs, the stage (read-only) at the live path; no network */
};

enum { VIEW_PROGRAMS = 2 };

struct view {
	enum view_kind kind;
	const char *live; /* absolute, without symbolic links */
	const char *stage;
	const char *scratch;	       /* an empty directory of root's to build the private root on */
	const struct secrets *secrets; /* files of this job alone; NULL: none. A sealed view has none */
	const char *private_dir;       /* where they appear */
	uid_t uid;		       /* whose they are */
	gid_t gid;
	const char *programs[VIEW_PROGRAMS]; /* files that are shown although they may lie outside /usr; NULL: none */
};

/* Is there anything to set up? */
bool view_is_needed(const struct view *v);
/* For proc_spec.setup; arg is a struct view. */
int view_enter(void *arg, struct err *err);

#endif
