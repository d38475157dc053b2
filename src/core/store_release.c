#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/store_files.h"

#define COLUMNS "SELECT id, oid, digest, basis, images, made_ms, good_ms, vars FROM release"

/* ?2: how many of the newest good ones stay; ?3, ?4: two that stay in any case. */
#define UNWANTED                                                                \
	" FROM release WHERE service = ?1 AND id NOT IN (?3, ?4) AND id NOT IN" \
	" (SELECT id FROM release WHERE service = ?1 AND good_ms > 0 ORDER BY good_ms DESC, id DESC LIMIT ?2)"

const struct store_files store_models = {
    "models", ".json", "siii", "SELECT id" UNWANTED, "DELETE" UNWANTED, "SELECT id FROM release WHERE service = ?"};

void
store_release_done(struct store_release *r)
{
	free(TAKE(r->commit));
	free(TAKE(r->digest));
	free(TAKE(r->basis));
	free(TAKE(r->images));
}

int
store_release_prune(struct store *st, const char *service, int keep, int64_t current, int64_t applying, struct err *err)
{
	return store_files_prune(st, &store_models, service, (const int64_t[]){keep, current, applying}, err);
}

int
store_release_add(struct store *st, const char *service, const struct store_release *r, const char *model,
    int64_t *ret_id, struct err *err)
{
	int rc = db_run(st, err, "BEGIN IMMEDIATE", "");

	if (rc < 0)
		return rc;
	rc = db_run(st, err,
	    "INSERT INTO release (service, oid, digest, basis, images, made_ms, vars) VALUES (?, ?, ?, ?, ?, ?, ?)",
	    "sssssii", service, r->commit, r->digest, r->basis, r->images, (int64_t)io_wall_ms(), r->vars);
	return store_file_commit(st, &store_models, service, rc, model, strlen(model), ret_id, err);
}

static void
read_release(sqlite3_stmt *stmt, struct store_release *ret)
{
	*ret = (struct store_release){
	    .id = sqlite3_column_int64(stmt, 0),
	    .commit = db_text(stmt, 1),
	    .digest = db_text(stmt, 2),
	    .basis = db_text(stmt, 3),
	    .images = db_text(stmt, 4),
	    .made_ms = sqlite3_column_int64(stmt, 5),
	    .good_ms = sqlite3_column_int64(stmt, 6),
	    .vars = sqlite3_column_int64(stmt, 7),
	};
}

int
store_release_get(struct store *st, int64_t id, struct store_release *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, COLUMNS " WHERE id = ?", "i", id);

	if (rc < 0)
		return rc;
	if (row)
		read_release(stmt, ret);
	return row;
}

int
store_release_last_good(struct store *st, const char *service, int64_t other_than, int64_t *ret_id, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err,
	    "SELECT id FROM release WHERE service = ? AND id <> ? AND good_ms > 0 ORDER BY good_ms DESC, id DESC LIMIT 1",
	    "si", service, other_than);

	if (rc < 0)
		return rc;
	*ret_id = row ? sqlite3_column_int64(stmt, 0) : 0;
	return row;
}

int
store_release_good(struct store *st, int64_t id, struct err *err)
{
	return db_run(st, err, "UPDATE release SET good_ms = ? WHERE id = ?", "ii", (int64_t)io_wall_ms(), id);
}

int
store_release_each(struct store *st, const char *service, bool (*cb)(void *ctx, const struct store_release *r),
    void *ctx, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	bool more = true;
	int rc = db_query(st, &stmt, &row, err, COLUMNS " WHERE service = ? ORDER BY id DESC", "s", service);

	while (rc >= 0 && row && more) {
		auto_store_release struct store_release r = {0};

		read_release(stmt, &r);
		more = cb(ctx, &r);
		rc = db_next(st, stmt, &row, err);
	}
	return rc;
}

static bool
add_commit(void *ctx, const struct store_release *r)
{
	if (!strv_has(ctx, r->commit))
		strv_add(ctx, r->commit);
	return true;
}

int
store_release_commits(struct store *st, const char *service, struct strv *ret, struct err *err)
{
	return store_release_each(st, service, add_commit, ret, err);
}

int
store_model_read(struct store *st, const char *service, int64_t id, struct buf *ret, struct err *err)
{
	auto_free char *path = store_file_path(&store_models, service, id);

	(void)st;
	return io_read_file(AT_FDCWD, path, ret, err);
}
