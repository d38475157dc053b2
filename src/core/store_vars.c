/* The variables of apps: versions that never change, as the models of releases are kept. */
#include <fcntl.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/store_files.h"

/* ?2: one that stays in any case. */
#define UNWANTED                                                      \
	" FROM vars WHERE service = ?1 AND version <> ?2 AND version" \
	" NOT IN (SELECT vars FROM release WHERE service = ?1)"

const struct store_files store_versions = {
    "vars", ".json", "si", "SELECT version" UNWANTED, "DELETE" UNWANTED, "SELECT version FROM vars WHERE service = ?"};

int
store_vars_add(
    struct store *st, const char *service, const char *text, size_t len, int64_t *ret_version, struct err *err)
{
	int rc = db_run(st, err, "BEGIN IMMEDIATE", "");

	if (rc < 0)
		return rc;
	rc = db_run(st, err, "INSERT INTO vars (service, made_ms) VALUES (?, ?)", "si", service, (int64_t)io_wall_ms());
	return store_file_commit(st, &store_versions, service, rc, text, len, ret_version, err);
}

int
store_vars_read(struct store *st, const char *service, int64_t version, struct buf *ret, struct err *err)
{
	auto_free char *path = store_file_path(&store_versions, service, version);

	(void)st;
	return io_read_file(AT_FDCWD, path, ret, err);
}

int
store_vars_each(
    struct store *st, const char *service, bool (*cb)(void *ctx, int64_t version), void *ctx, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc =
	    db_query(st, &stmt, &row, err, "SELECT version FROM vars WHERE service = ? ORDER BY version", "s", service);

	while (rc >= 0 && row && cb(ctx, sqlite3_column_int64(stmt, 0)))
		rc = db_next(st, stmt, &row, err);
	return rc;
}

int
store_vars_prune(struct store *st, const char *service, int64_t current, struct err *err)
{
	return store_files_prune(st, &store_versions, service, (const int64_t[STORE_PRUNE_MAX]){current}, err);
}
