#include "core/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/store_files.h"

/* What each version of the schema adds to the one before; what was written stays. */
static const char *const version_1[] = {
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
    NULL,
};

/* What ran when version 1 was left is the best release known: it counts as good, so that there is one to go back to. */
static const char *const version_2[] = {
    "ALTER TABLE service ADD COLUMN verdict TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE service ADD COLUMN applying INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE service ADD COLUMN finished TEXT NOT NULL DEFAULT '*'",
    "ALTER TABLE service ADD COLUMN rejected TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE service ADD COLUMN rejected_why TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE service ADD COLUMN switching TEXT NOT NULL DEFAULT ''",
    "UPDATE service SET verdict = 'refused' WHERE refusal <> ''",
    "ALTER TABLE release ADD COLUMN good_ms INTEGER NOT NULL DEFAULT 0",
    "UPDATE release SET good_ms = made_ms WHERE id IN (SELECT release FROM service)",
    "ALTER TABLE deploy ADD COLUMN who TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE deploy ADD COLUMN why TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE kept_image (service TEXT NOT NULL, image TEXT NOT NULL, PRIMARY KEY (service, image)) STRICT",
    "PRAGMA user_version = 2",
    NULL,
};

static const char *const version_3[] = {
    "ALTER TABLE service ADD COLUMN rules TEXT NOT NULL DEFAULT ''",
    "PRAGMA user_version = 3",
    NULL,
};

static const char *const version_4[] = {
    "CREATE TABLE routes (service TEXT PRIMARY KEY, text TEXT NOT NULL, loaded INTEGER NOT NULL) STRICT",
    "PRAGMA user_version = 4",
    NULL,
};

static const char *const version_5[] = {
    "CREATE TABLE push_key (name TEXT PRIMARY KEY, line TEXT NOT NULL, apps TEXT NOT NULL, made_ms INTEGER NOT NULL,"
    " maker TEXT NOT NULL) STRICT",
    "PRAGMA user_version = 5",
    NULL,
};

static const char *const version_6[] = {
    "CREATE TABLE app (name TEXT PRIMARY KEY, main TEXT NOT NULL, branch TEXT NOT NULL, maker TEXT NOT NULL,"
    " locked TEXT NOT NULL, scale TEXT NOT NULL, domains TEXT NOT NULL, cname TEXT NOT NULL, made_ms INTEGER NOT NULL,"
    " gone INTEGER NOT NULL) STRICT",
    "PRAGMA user_version = 6",
    NULL,
};

/* The values lie in files: vars/<service>/<version>.json. A number is never given twice. */
static const char *const version_7[] = {
    "CREATE TABLE vars (version INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, made_ms INTEGER NOT NULL) STRICT",
    "ALTER TABLE service ADD COLUMN vars INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE release ADD COLUMN vars INTEGER NOT NULL DEFAULT 0",
    "PRAGMA user_version = 7",
    NULL,
};

static const char *const version_8[] = {
    "CREATE TABLE push (service TEXT NOT NULL, ref TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL,"
    " who TEXT NOT NULL, deploy INTEGER NOT NULL DEFAULT 0, begun_ms INTEGER NOT NULL,"
    " PRIMARY KEY (service, ref)) STRICT",
    "PRAGMA user_version = 8",
    NULL,
};

/* What people call an app, which is not for ever what its service is called; and what they have called it before. */
static const char *const version_9[] = {
    "ALTER TABLE app ADD COLUMN called TEXT NOT NULL DEFAULT ''",
    "UPDATE app SET called = replace(name, '_', '.')",
    "CREATE INDEX app_called ON app (called)",
    "CREATE TABLE former_name (name TEXT PRIMARY KEY, service TEXT NOT NULL) STRICT",
    "PRAGMA user_version = 9",
    NULL,
};

static const char *const *const versions[] = {
    version_1, version_2, version_3, version_4, version_5, version_6, version_7, version_8, version_9};

static int
read_version(struct store *st, int64_t *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, "PRAGMA user_version", "");

	if (rc >= 0)
		*ret = row ? sqlite3_column_int64(stmt, 0) : 0;
	return rc;
}

static int
make_tables(struct store *st, struct err *err)
{
	int64_t version = 0;
	int rc = read_version(st, &version, err);

	if (rc < 0)
		return rc;
	if (version > (int64_t)ARRAY_LEN(versions))
		return err_set(err, EINVAL, "pgo.db was written by a newer pgod (version %lld)", (long long)version);
	for (; version < (int64_t)ARRAY_LEN(versions); version++) {
		rc = db_run(st, err, "BEGIN IMMEDIATE", "");
		for (const char *const *sql = versions[version]; rc >= 0 && *sql != NULL; sql++)
			rc = db_run(st, err, *sql, "");
		if (rc >= 0)
			rc = db_run(st, err, "COMMIT", "");
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
prepare_database(struct store *st, struct err *err)
{
	static const char *const pragmas[] = {
	    "PRAGMA journal_mode = WAL",
	    DB_SYNCED,
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

/* Where the models, the logs and the variables lie. */
static int
make_directories(struct err *err)
{
	static const char *const dirs[] = {"models", "logs", "vars"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		if (mkdir(dirs[i], 0700) < 0 && errno != EEXIST)
			return err_errno(err, "cannot make the directory %s", dirs[i]);
	}
	return 0;
}

/* What stays does no harm but take room. */
static void
sweep(struct store *st)
{
	static const struct store_files *const all[] = {&store_models, &store_versions};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct err err = ERR_INIT;

		if (store_files_sweep(st, all[i], &err) < 0)
			log_warn("%s", err.msg);
	}
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
	if (rc >= 0)
		rc = make_directories(err);
	if (rc < 0) {
		store_close(st);
		return rc;
	}
	sweep(st);
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

/* Data synced, then renamed, then the directory synced. */
int
store_write_file(const char *dir, const char *path, const void *data, size_t len, struct err *err)
{
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
	rc = io_write_all(fd, data, len, err);
	if (rc < 0)
		rc = err_wrap(err, "cannot write %s", path);
	else if (fsync(fd) < 0 || rename(tmp, path) < 0 || fsync(dirfd) < 0)
		rc = err_errno(err, "cannot write %s", path);
	if (rc < 0)
		unlink(tmp);
	return rc;
}

int
store_unlink(const char *path, struct err *err)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", path);
	return 0;
}
