#include "core/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"

struct store {
	sqlite3 *db;
};

static const char *const schema[] = {
    "CREATE TABLE service (name TEXT PRIMARY KEY, source TEXT NOT NULL, branch TEXT NOT NULL, tracked TEXT NOT NULL,"
    " judged TEXT NOT NULL, refusal TEXT NOT NULL, live TEXT NOT NULL, stopped TEXT NOT NULL, keys TEXT NOT NULL,"
    " release INTEGER NOT NULL) STRICT",
    "CREATE TABLE release (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, oid TEXT NOT NULL,"
    " digest TEXT NOT NULL, basis TEXT NOT NULL, images TEXT NOT NULL, made_ms INTEGER NOT NULL) STRICT",
    "CREATE INDEX release_service ON release (service, id)",
    "CREATE TABLE deploy (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, trigger TEXT NOT NULL,"
    " oid TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
    " release INTEGER NOT NULL DEFAULT 0, begun_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE INDEX deploy_service ON deploy (service, id)",
    "CREATE TABLE step (deploy INTEGER NOT NULL REFERENCES deploy (id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " begun_ms INTEGER NOT NULL) STRICT",
    "CREATE INDEX step_deploy ON step (deploy)",
    "PRAGMA user_version = 1",
};

static int
db_error(struct store *st, struct err *err, const char *what)
{
	return err_set(err, EIO, "%s: database: %s", what, sqlite3_errmsg(st->db));
}

/* Prepares a statement and binds: s a string (NULL becomes ""), i an int64_t. */
static int
db_prepare(struct store *st, sqlite3_stmt **ret, struct err *err, const char *sql, const char *types, va_list ap)
{
	if (sqlite3_prepare_v2(st->db, sql, -1, ret, NULL) != SQLITE_OK)
		return db_error(st, err, "prepare");
	for (int i = 0; types[i] != '\0'; i++) {
		const char *s;
		int rc;

		if (types[i] == 's') {
			s = va_arg(ap, const char *);
			rc = sqlite3_bind_text(*ret, i + 1, s != NULL ? s : "", -1, SQLITE_TRANSIENT);
		} else {
			rc = sqlite3_bind_int64(*ret, i + 1, va_arg(ap, int64_t));
		}
		if (rc != SQLITE_OK)
			return db_error(st, err, "bind");
	}
	return 0;
}

static void
stmt_done(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}
#define auto_stmt __attribute__((cleanup(stmt_done)))

/* Runs a statement that returns no rows. */
static int
db_run(struct store *st, struct err *err, const char *sql, const char *types, ...)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = db_prepare(st, &stmt, err, sql, types, ap);
	va_end(ap);
	if (rc < 0)
		return rc;
	rc = sqlite3_step(stmt);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : db_error(st, err, "write");
}

/* Starts a query; *ret_row tells whether there is a first row. */
static int
db_query(struct store *st, sqlite3_stmt **ret, bool *ret_row, struct err *err, const char *sql, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = db_prepare(st, ret, err, sql, types, ap);
	va_end(ap);
	if (rc < 0)
		return rc;
	rc = sqlite3_step(*ret);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_error(st, err, "read");
	*ret_row = rc == SQLITE_ROW;
	return 0;
}

static char *
column(sqlite3_stmt *stmt, int i)
{
	const unsigned char *s = sqlite3_column_text(stmt, i);

	return str_dup(s != NULL ? (const char *)s : "");
}

void
store_service_done(struct store_service *s)
{
	char **all[] = {&s->source, &s->branch, &s->tracked, &s->judged, &s->refusal, &s->live, &s->stopped, &s->keys};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(TAKE(*all[i]));
}

void
store_release_done(struct store_release *r)
{
	free(TAKE(r->commit));
	free(TAKE(r->digest));
	free(TAKE(r->basis));
	free(TAKE(r->images));
}

void
store_deploy_done(struct store_deploy *d)
{
	char **all[] = {&d->trigger, &d->commit, &d->step, &d->outcome, &d->reason};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(TAKE(*all[i]));
}

static int
make_tables(struct store *st, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, "PRAGMA user_version", "");

	if (rc < 0)
		return rc;
	if (row && sqlite3_column_int64(stmt, 0) == 1)
		return 0;
	if (row && sqlite3_column_int64(stmt, 0) > 1)
		return err_set(err, EINVAL, "pgo.db was written by a newer pgod (version %lld)",
		    (long long)sqlite3_column_int64(stmt, 0));
	sqlite3_finalize(TAKE(stmt)); /* an open read would block the commit */
	rc = db_run(st, err, "BEGIN IMMEDIATE", "");
	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(schema); i++)
		rc = db_run(st, err, schema[i], "");
	return rc < 0 ? rc : db_run(st, err, "COMMIT", "");
}

static int
prepare_database(struct store *st, struct err *err)
{
	static const char *const pragmas[] = {
	    "PRAGMA journal_mode = WAL",
	    "PRAGMA synchronous = FULL",
	    "PRAGMA foreign_keys = ON",
	    "PRAGMA cache_size = -256",
	    "PRAGMA temp_store = MEMORY",
	    "PRAGMA mmap_size = 0",
	    "PRAGMA journal_size_limit = 1048576",
	    "PRAGMA wal_autocheckpoint = 64",
	};

	sqlite3_extended_result_codes(st->db, 1);
	sqlite3_busy_timeout(st->db, 5000);
	for (size_t i = 0; i < ARRAY_LEN(pragmas); i++) {
		int rc = db_run(st, err, pragmas[i], "");

		if (rc < 0)
			return rc;
	}
	return make_tables(st, err);
}

int
store_open(struct store **ret_store, struct err *err)
{
	struct store *st = calloc(1, sizeof(*st));
	int rc;

	if (st == NULL)
		abort();
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	if (sqlite3_open_v2("pgo.db", &st->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
		rc = db_error(st, err, "cannot open pgo.db");
		store_close(st);
		return rc;
	}
	rc = prepare_database(st, err);
	if (rc >= 0 && mkdir("models", 0700) < 0 && errno != EEXIST)
		rc = err_errno(err, "cannot make the directory models");
	if (rc < 0) {
		store_close(st);
		return rc;
	}
	*ret_store = st;
	return 0;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	sqlite3_close(st->db);
	free(st);
}

int
store_service_get(struct store *st, const char *name, struct store_service *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err,
	    "SELECT source, branch, tracked, judged, refusal, live, stopped, keys, release FROM service WHERE name = ?",
	    "s", name);

	if (rc < 0)
		return rc;
	*ret = (struct store_service){
	    .source = column(stmt, 0),
	    .branch = column(stmt, 1),
	    .tracked = column(stmt, 2),
	    .judged = column(stmt, 3),
	    .refusal = column(stmt, 4),
	    .live = column(stmt, 5),
	    .stopped = column(stmt, 6),
	    .keys = column(stmt, 7),
	    .release = sqlite3_column_int64(stmt, 8),
	};
	return row;
}

int
store_service_put(struct store *st, const char *name, const struct store_service *s, struct err *err)
{
	return db_run(st, err,
	    "INSERT OR REPLACE INTO service (name, source, branch, tracked, judged, refusal, live, stopped, keys, release)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "sssssssssi", name, s->source, s->branch, s->tracked, s->judged, s->refusal, s->live, s->stopped, s->keys,
	    s->release);
}

int
store_service_names(struct store *st, struct strv *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, "SELECT name FROM service ORDER BY name", "");

	while (rc >= 0 && row) {
		strv_add_take(ret, column(stmt, 0));
		row = sqlite3_step(stmt) == SQLITE_ROW;
	}
	return rc;
}

static char *
model_path(const char *service, int64_t id)
{
	return str_printf("models/%s/%lld.json", service, (long long)id);
}

static int
unlink_model(const char *service, int64_t id, struct err *err)
{
	auto_free char *path = model_path(service, id);

	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", path);
	return 0;
}

/* Unlinks the models of a service's releases that are older than the newest `kept`, and not `keep`. */
static int
prune(struct store *st, const char *service, int64_t kept, int64_t keep, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err,
	    "SELECT id FROM release WHERE service = ?1 AND id <> ?3 AND id NOT IN"
	    " (SELECT id FROM release WHERE service = ?1 ORDER BY id DESC LIMIT ?2)",
	    "sii", service, kept, keep);

	while (rc >= 0 && row) {
		rc = unlink_model(service, sqlite3_column_int64(stmt, 0), err);
		row = sqlite3_step(stmt) == SQLITE_ROW;
	}
	sqlite3_finalize(TAKE(stmt));
	if (rc < 0)
		return rc;
	return db_run(st, err,
	    "DELETE FROM release WHERE service = ?1 AND id <> ?3 AND id NOT IN"
	    " (SELECT id FROM release WHERE service = ?1 ORDER BY id DESC LIMIT ?2)",
	    "sii", service, kept, keep);
}

int
store_service_forget(struct store *st, const char *name, struct err *err)
{
	auto_free char *dir = str_printf("models/%s", name);
	int rc = prune(st, name, 0, 0, err);

	if (rc < 0)
		return rc;
	if (rmdir(dir) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", dir);
	rc = db_run(st, err, "DELETE FROM deploy WHERE service = ?", "s", name);
	return rc < 0 ? rc : db_run(st, err, "DELETE FROM service WHERE name = ?", "s", name);
}

/* Durable before its name is: data synced, then renamed, then the directory synced. */
static int
write_model(const char *service, int64_t id, const char *model, struct err *err)
{
	auto_free char *dir = str_printf("models/%s", service);
	auto_free char *path = model_path(service, id);
	auto_free char *tmp = str_printf("%s/new", dir);
	auto_close int dirfd = -1;
	auto_close int fd = -1;
	int rc;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make the directory %s", dir);
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (dirfd < 0 || fd < 0)
		return err_errno(err, "cannot write %s", path);
	rc = io_write_all(fd, model, strlen(model), err);
	if (rc < 0)
		return err_wrap(err, "cannot write %s", path);
	if (fsync(fd) < 0 || rename(tmp, path) < 0 || fsync(dirfd) < 0)
		return err_errno(err, "cannot write %s", path);
	return 0;
}

int
store_release_add(struct store *st, const char *service, const struct store_release *r, const char *model,
    int64_t *ret_id, struct err *err)
{
	int rc = db_run(st, err, "BEGIN IMMEDIATE", "");
	int64_t id;

	if (rc < 0)
		return rc;
	rc = db_run(st, err,
	    "INSERT INTO release (service, oid, digest, basis, images, made_ms) VALUES (?, ?, ?, ?, ?, ?)", "sssssi",
	    service, r->commit, r->digest, r->basis, r->images, (int64_t)io_wall_ms());
	id = sqlite3_last_insert_rowid(st->db);
	if (rc >= 0)
		rc = write_model(service, id, model, err);
	if (rc >= 0)
		rc = db_run(st, err, "COMMIT", "");
	if (rc < 0) {
		db_run(st, NULL, "ROLLBACK", "");
		return rc;
	}
	*ret_id = id;
	return 0;
}

int
store_release_get(struct store *st, int64_t id, struct store_release *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(
	    st, &stmt, &row, err, "SELECT oid, digest, basis, images, made_ms FROM release WHERE id = ?", "i", id);

	if (rc < 0)
		return rc;
	*ret = (struct store_release){
	    .id = id,
	    .commit = column(stmt, 0),
	    .digest = column(stmt, 1),
	    .basis = column(stmt, 2),
	    .images = column(stmt, 3),
	    .made_ms = sqlite3_column_int64(stmt, 4),
	};
	return row;
}

int
store_model_read(struct store *st, const char *service, int64_t id, struct buf *ret, struct err *err)
{
	auto_free char *path = model_path(service, id);

	(void)st;
	return io_read_file(AT_FDCWD, path, ret, err);
}

int
store_release_prune(struct store *st, const char *service, int64_t keep, struct err *err)
{
	return prune(st, service, STORE_RELEASES_KEPT, keep, err);
}

int
store_deploy_begin(
    struct store *st, const char *service, const char *trigger, const char *commit, int64_t *ret_id, struct err *err)
{
	int rc = db_run(st, err, "INSERT INTO deploy (service, trigger, oid, begun_ms) VALUES (?, ?, ?, ?)", "sssi",
	    service, trigger, commit, (int64_t)io_wall_ms());

	if (rc < 0)
		return rc;
	*ret_id = sqlite3_last_insert_rowid(st->db);
	return db_run(st, err,
	    "DELETE FROM deploy WHERE service = ?1 AND id NOT IN"
	    " (SELECT id FROM deploy WHERE service = ?1 ORDER BY id DESC LIMIT ?2)",
	    "si", service, (int64_t)STORE_DEPLOYS_KEPT);
}

int
store_deploy_step(struct store *st, int64_t id, const char *step, struct err *err)
{
	return db_run(st, err, "INSERT INTO step (deploy, name, begun_ms) VALUES (?, ?, ?)", "isi", id, step,
	    (int64_t)io_wall_ms());
}

int
store_deploy_release(struct store *st, int64_t id, int64_t release, struct err *err)
{
	return db_run(st, err, "UPDATE deploy SET release = ? WHERE id = ?", "ii", release, id);
}

int
store_deploy_end(struct store *st, int64_t id, const char *outcome, const char *reason, struct err *err)
{
	return db_run(st, err, "UPDATE deploy SET outcome = ?, reason = ?, ended_ms = ? WHERE id = ?", "ssii", outcome,
	    reason, (int64_t)io_wall_ms(), id);
}

int
store_deploy_last(struct store *st, const char *service, struct store_deploy *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err,
	    "SELECT id, trigger, oid, outcome, reason, release, begun_ms, ended_ms,"
	    " (SELECT name FROM step WHERE deploy = deploy.id ORDER BY rowid DESC LIMIT 1)"
	    " FROM deploy WHERE service = ? ORDER BY id DESC LIMIT 1",
	    "s", service);

	if (rc < 0)
		return rc;
	*ret = (struct store_deploy){
	    .id = sqlite3_column_int64(stmt, 0),
	    .trigger = column(stmt, 1),
	    .commit = column(stmt, 2),
	    .outcome = column(stmt, 3),
	    .reason = column(stmt, 4),
	    .release = sqlite3_column_int64(stmt, 5),
	    .begun_ms = sqlite3_column_int64(stmt, 6),
	    .ended_ms = sqlite3_column_int64(stmt, 7),
	    .step = column(stmt, 8),
	};
	return row;
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
