/* Which files of a repository are its compose file. */
#ifndef PGO_JOB_COMPOSEFILE_H
#define PGO_JOB_COMPOSEFILE_H

/* In the order in which they are looked for; NULL-terminated. */
extern const char *const composefile_names[];
extern const char *const composefile_override_names[];

#endif
