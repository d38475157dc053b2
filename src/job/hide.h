/* What the repository's own env files hold is not said when compose quotes it. */
#ifndef PGO_JOB_HIDE_H
#define PGO_JOB_HIDE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "job/job.h"

enum {
	HIDE_MIN = 8, /* bytes of a value that is hidden, as of the key `env` */
	HIDE_FILES_MAX = 64,
	HIDE_FILE_MAX_BYTES = 256 << 10,
};

/* Adds the values of the lines NAME=VALUE; of a file that holds nothing else, also the lines that are none: these are
 * what compose complains of. */
void hide_values(const char *text, bool is_env, struct strv *ret);
/* Puts *** into the place of each. */
void hide_in(struct buf *words, struct strv *values);
/* Both, with .env and the files that the compose files (below job->live; NULL: none) name. */
void hide_env_files(const struct job *job, const char *const *files, size_t nfiles, struct buf *words);

#endif
