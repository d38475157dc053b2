/* The exec strings of git's clients: "git-receive-pack 'NAME.git'". Pure. What is one of them is recognised before the
 * operation line (ipc/opline.h), which it can never be: no shell and no program ever sees either. */
#ifndef PGO_IPC_GITLINE_H
#define PGO_IPC_GITLINE_H

#include <stddef.h>

#include "base/err.h"
#include "ipc/appname.h"

enum gitline_verb {
	GITLINE_RECEIVE, /* git push */
	GITLINE_UPLOAD,	 /* git clone, git fetch, git ls-remote */
	GITLINE_ARCHIVE, /* git archive --remote */
};

struct gitline {
	enum gitline_verb verb;
	char name[APPNAME_MAX + 1];    /* of the app, as it is written, without ".git" */
	char service[APPNAME_MAX + 1]; /* what that is called as a service */
};

/* 1 with *ret, 0 when the line is none of git's, or -EINVAL with a sentence for one of git's that is quoted otherwise
 * than git quotes, or whose path is no name: one slash in front, one behind and ".git" are left away, nothing else. */
int gitline_parse(const char *line, size_t len, struct gitline *ret, struct err *err);
/* What the verb is as an operation, by which keys are limited: "push" or "fetch". */
const char *gitline_op(enum gitline_verb verb);
/* What the verb is as a kind of job: "receive-pack", "upload-pack", "upload-archive". */
const char *gitline_job(enum gitline_verb verb);

#endif
