/* Inside of the store: files that rows name by their numbers, "models/<service>/<number>.json". A row and its file come
 * together; when they go, the row goes last, so that what was interrupted is done again. */
#ifndef PGO_CORE_STORE_FILES_H
#define PGO_CORE_STORE_FILES_H

#include "core/store_db.h"

enum { STORE_PRUNE_MAX = 3 };

struct store_files {
	const char *dir;    /* "models" */
	const char *ending; /* ".json" */
	/* Which of a service are not needed: ?1 is its name, the others numbers, as db_run's types have them. */
	const char *types;
	const char *select; /* their numbers */
	const char *drop;   /* the rows */
	/* The numbers of all rows of a service, which is ?1. NULL: a file is made after its row, and none is swept. */
	const char *named;
};

/* The menus of store_release.c and store_vars.c. */
extern const struct store_files store_models;
extern const struct store_files store_versions;

/* The caller frees. */
char *store_file_path(const struct store_files *f, const char *service, int64_t number);
/* Ends a transaction whose last statement has made the row, or failed (rc): with a file that holds the text, 0600, or
 * with neither. */
int store_file_commit(struct store *st, const struct store_files *f, const char *service, int rc, const char *text,
    size_t len, int64_t *ret_number, struct err *err);
int store_files_prune(struct store *st, const struct store_files *f, const char *service,
    const int64_t numbers[STORE_PRUNE_MAX], struct err *err);
/* Removes what a core left that was killed between the file and its row: its number may be given to another service
 * next, and nobody would ever ask for the file. Of a service that has no row at all everything stays: a database that
 * was lost is no reason to remove what it named. */
int store_files_sweep(struct store *st, const struct store_files *f, struct err *err);
/* The directory of a service with all that is in it, also what somebody who was killed has left there; that it is gone
 * already is fine. */
int store_files_remove(const char *dir, const char *service, struct err *err);

#endif
