/* A service of its own for each test: a work tree, its remote, and the directories that pgod-job is given. */
#ifndef PGO_TEST_JOB_FIXTURE_H
#define PGO_TEST_JOB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/str.h"

struct fx {
	char *dir;	   /* work/ r.git/ live/ stage/ repo/ data/ outside/ lie in it */
	struct strv extra; /* further variables for pgod-job; a later one wins */
	struct buf out, err;
	const void *in;
	size_t in_len;
};

int fx_setup(void **state);
int fx_teardown(void **state);

/* Runs a shell script in the fixture's directory; it must succeed. Its output is the result, without the last newline
 * (caller frees). */
char *fx_sh(struct fx *fx, const char *script);
/* The same, when nobody wants the output. */
void fx_do(struct fx *fx, const char *script);
/* Runs script in work/, commits all, pushes by force to branch main of r.git. The commit's name; the caller frees. */
char *fx_commit(struct fx *fx, const char *script);
/* Sets a variable of pgod-job. */
void fx_env(struct fx *fx, const char *name, const char *value);
/* Runs a verb with its operands, blanks between them, to its end; out and err hold what it said. */
int fx_job(struct fx *fx, const char *verb, const char *operands);
/* Starts a verb; its output is lost. */
pid_t fx_start(struct fx *fx, const char *verb, const char *oid);
/* fetch, stage and checkout, all of which must succeed. */
void fx_deploy(struct fx *fx, const char *oid);
/* The content of a file below the fixture's directory. */
void fx_assert_file(struct fx *fx, const char *path, const char *content);
void fx_assert_missing(struct fx *fx, const char *path);
/* stderr of the last verb has this text. */
void fx_assert_said(struct fx *fx, const char *text);

#endif
