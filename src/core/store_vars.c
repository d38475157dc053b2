/* The variables of apps: versions that never change, as the models of releases are kept. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/store_db.h"

/* ?2: one that stays in any case. */
#define UNWANTED                                                      \
	" FROM vars WHERE service = ?1 AND version <> ?2 AND version" \
	" NOT IN (SELECT vars FROM release WHERE service = ?1)"

static char *
vars_path(const char *service, int64_t version)
{
	return str_printf("vars/%s/%lld.json", service, (long long)version);
}

int
store_vars_add(
    struct store *st, const char *service, const char *text, size_t len, int64_t *ret_version, struct err *err)
{
	auto_free char *dir = str_printf("vars/%s", service);
	int rc = db_run(st, err, "BEGIN IMMEDIATE", "");
	int64_t version = 0;

	if (rc < 0)
		return rc;
	rc = db_run(st, err, "INSERT INTO vars (service, made_ms) VALUES (?, ?)", "si", service, (int64_t)io_wall_ms());
	if (rc >= 0) {
		auto_free char *path = NULL;

		version = sqlite3_last_insert_rowid(st->db);
		path = vars_path(service, version);
		rc = store_write_file(dir, path, text, len, err);
	}
	if (rc >= 0)
		rc = db_run(st, err, "COMMIT", "");
	if (rc < 0) {
		db_run(st, NULL, "ROLLBACK", "");
		return rc;
	}
	*ret_version = version;
	return 0;
}

int
store_vars_read(struct store *st, const char *service, int64_t version, struct buf *ret, struct err *err)
{
	auto_free char *path = vars_path(service, version);

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

/* The rows go last: an interrupted prune is done again. */
int
store_vars_prune(struct store *st, const char *service, int64_t current, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, "SELECT version" UNWANTED, "si", service, current);

	while (rc >= 0 && row) {
		auto_free char *path = vars_path(service, sqlite3_column_int64(stmt, 0));

		rc = store_unlink(path, err);
		if (rc >= 0)
			rc = db_next(st, stmt, &row, err);
	}
	sqlite3_finalize(TAKE(stmt));
	return rc < 0 ? rc : db_run(st, err, "DELETE" UNWANTED, "si", service, current);
}

int
store_vars_forget(struct store *st, const char *service, struct err *err)
{
	auto_free char *dir = str_printf("vars/%s", service);
	int rc = store_vars_prune(st, service, 0, err);

	if (rc >= 0 && rmdir(dir) < 0 && errno != ENOENT)
		rc = err_errno(err, "cannot remove %s", dir);
	return rc;
}
