#include <stdlib.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/store_files.h"

/* Healing has rows of its own, which must not push the deploys out. */
#define HEAL "trigger = 'heal'"
#define UNWANTED                                                                                               \
	" FROM deploy WHERE service = ?1 AND id NOT IN"                                                        \
	" (SELECT id FROM deploy WHERE service = ?1 AND NOT " HEAL " ORDER BY id DESC LIMIT ?2) AND id NOT IN" \
	" (SELECT id FROM deploy WHERE service = ?1 AND " HEAL " ORDER BY id DESC LIMIT ?3)"
#define COLUMNS                                                                            \
	"SELECT id, trigger, who, oid, outcome, reason, why, release, begun_ms, ended_ms," \
	" (SELECT name FROM step WHERE deploy = deploy.id ORDER BY rowid DESC LIMIT 1) FROM deploy"

static const struct store_files logs = {"logs", ".log", "sii", "SELECT id" UNWANTED, "DELETE" UNWANTED, NULL};

void
store_deploy_done(struct store_deploy *d)
{
	char **all[] = {&d->trigger, &d->who, &d->commit, &d->step, &d->outcome, &d->reason, &d->why};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(TAKE(*all[i]));
}

char *
store_log_path(const char *service, int64_t id)
{
	return store_file_path(&logs, service, id);
}

int
store_deploy_begin(struct store *st, const char *service, const struct store_begin *b, int64_t *ret_id, struct err *err)
{
	int rc = db_run(st, err,
	    "INSERT INTO deploy (service, trigger, who, oid, why, release, begun_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
	    "sssssii", service, b->trigger, b->who, b->commit, b->why, b->release, (int64_t)io_wall_ms());

	if (rc < 0)
		return rc;
	*ret_id = sqlite3_last_insert_rowid(st->db);
	return store_files_prune(
	    st, &logs, service, (const int64_t[STORE_PRUNE_MAX]){STORE_DEPLOYS_KEPT, STORE_HEALS_KEPT}, err);
}

int
store_deploy_step(struct store *st, int64_t id, const char *step, bool synced, struct err *err)
{
	return (synced ? db_run : db_note)(st, err, "INSERT INTO step (deploy, name, begun_ms) VALUES (?, ?, ?)", "isi",
	    id, step, (int64_t)io_wall_ms());
}

int
store_deploy_release(struct store *st, int64_t id, int64_t release, struct err *err)
{
	return db_note(st, err, "UPDATE deploy SET release = ? WHERE id = ?", "ii", release, id);
}

int
store_deploy_why(struct store *st, int64_t id, const char *why, struct err *err)
{
	return db_note(st, err, "UPDATE deploy SET why = ? WHERE id = ?", "si", why, id);
}

int
store_deploy_end(struct store *st, int64_t id, const char *outcome, const char *reason, struct err *err)
{
	return db_run(st, err, "UPDATE deploy SET outcome = ?, reason = ?, ended_ms = ? WHERE id = ?", "ssii", outcome,
	    reason, (int64_t)io_wall_ms(), id);
}

int
store_deploys_interrupted(struct store *st, const char *service, const char *reason, struct err *err)
{
	return db_run(st, err,
	    "UPDATE deploy SET outcome = 'interrupted', reason = ?, ended_ms = ? WHERE service = ? AND ended_ms = 0",
	    "sis", reason, (int64_t)io_wall_ms(), service);
}

static void
read_deploy(sqlite3_stmt *stmt, struct store_deploy *ret)
{
	*ret = (struct store_deploy){
	    .id = sqlite3_column_int64(stmt, 0),
	    .trigger = db_text(stmt, 1),
	    .who = db_text(stmt, 2),
	    .commit = db_text(stmt, 3),
	    .outcome = db_text(stmt, 4),
	    .reason = db_text(stmt, 5),
	    .why = db_text(stmt, 6),
	    .release = sqlite3_column_int64(stmt, 7),
	    .begun_ms = sqlite3_column_int64(stmt, 8),
	    .ended_ms = sqlite3_column_int64(stmt, 9),
	    .step = db_text(stmt, 10),
	};
}

int
store_deploy_get(struct store *st, const char *service, int64_t id, struct store_deploy *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, COLUMNS " WHERE service = ? AND id = ?", "si", service, id);

	if (rc < 0)
		return rc;
	if (row)
		read_deploy(stmt, ret);
	return row;
}

int
store_deploy_last(struct store *st, const char *service, struct store_deploy *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(
	    st, &stmt, &row, err, COLUMNS " WHERE service = ? AND NOT " HEAL " ORDER BY id DESC LIMIT 1", "s", service);

	if (rc < 0)
		return rc;
	if (row)
		read_deploy(stmt, ret);
	return row;
}

int
store_deploy_each(struct store *st, const char *service, int64_t limit,
    bool (*cb)(void *ctx, const struct store_deploy *d), void *ctx, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	bool more = true;
	int rc =
	    db_query(st, &stmt, &row, err, COLUMNS " WHERE service = ? ORDER BY id DESC LIMIT ?", "si", service, limit);

	while (rc >= 0 && row && more) {
		auto_store_deploy struct store_deploy d = {0};

		read_deploy(stmt, &d);
		more = cb(ctx, &d);
		rc = db_next(st, stmt, &row, err);
	}
	return rc;
}

int
store_deploy_steps(
    struct store *st, int64_t id, bool (*cb)(void *ctx, const char *step, int64_t begun_ms), void *ctx, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	bool more = true;
	int rc =
	    db_query(st, &stmt, &row, err, "SELECT name, begun_ms FROM step WHERE deploy = ? ORDER BY rowid", "i", id);

	while (rc >= 0 && row && more) {
		auto_free char *name = db_text(stmt, 0);

		more = cb(ctx, name, sqlite3_column_int64(stmt, 1));
		rc = db_next(st, stmt, &row, err);
	}
	return rc;
}

int
store_deploy_applied(struct store *st, const char *service, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(
	    st, &stmt, &row, err, "SELECT 1 FROM deploy WHERE service = ? AND release != 0 LIMIT 1", "s", service);

	return rc < 0 ? rc : row;
}
