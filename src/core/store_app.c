#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "core/store_db.h"

void
store_app_done(struct store_app *a)
{
	char **all[] = {&a->called, &a->main, &a->branch, &a->maker, &a->locked, &a->scale, &a->domains, &a->cname};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(TAKE(*all[i]));
}

int
store_app_get(struct store *st, const char *name, struct store_app *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err,
	    "SELECT main, branch, maker, locked, scale, domains, cname, made_ms, gone, called FROM app WHERE name = ?",
	    "s", name);

	if (rc < 0)
		return rc;
	*ret = (struct store_app){
	    .main = db_text(stmt, 0),
	    .branch = db_text(stmt, 1),
	    .maker = db_text(stmt, 2),
	    .locked = db_text(stmt, 3),
	    .scale = db_text(stmt, 4),
	    .domains = db_text(stmt, 5),
	    .cname = db_text(stmt, 6),
	    .made_ms = sqlite3_column_int64(stmt, 7),
	    .gone = sqlite3_column_int64(stmt, 8),
	    .called = db_text(stmt, 9),
	};
	return row;
}

int
store_app_put(struct store *st, const char *name, const struct store_app *a, struct err *err)
{
	return db_run(st, err,
	    "INSERT OR REPLACE INTO app (name, main, branch, maker, locked, scale, domains, cname, made_ms, gone, called)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "ssssssssiis", name, a->main, a->branch, a->maker, a->locked, a->scale, a->domains, a->cname, a->made_ms,
	    a->gone, a->called);
}

static int
find(struct store *st, const char *sql, const char *called, char **ret_service, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, sql, "s", called);

	if (rc >= 0 && row)
		*ret_service = db_text(stmt, 0);
	return rc < 0 ? rc : row;
}

int
store_app_called(struct store *st, const char *called, char **ret_service, struct err *err)
{
	return find(st, "SELECT name FROM app WHERE called = ? ORDER BY gone = 0 DESC, made_ms DESC LIMIT 1", called,
	    ret_service, err);
}

int
store_app_formerly(struct store *st, const char *called, char **ret_service, struct err *err)
{
	return find(st, "SELECT service FROM former_name WHERE name = ?", called, ret_service, err);
}

int
store_app_rename(struct store *st, const char *service, const char *from, const char *to, struct err *err)
{
	int rc = db_run(st, err, "UPDATE app SET called = ? WHERE name = ?", "ss", to, service);

	if (rc >= 0)
		rc = db_run(
		    st, err, "INSERT OR REPLACE INTO former_name (name, service) VALUES (?, ?)", "ss", from, service);
	return rc < 0 ? rc : db_run(st, err, "DELETE FROM former_name WHERE name = ?", "s", to);
}

int
store_app_forget_names(struct store *st, const char *service, struct err *err)
{
	return db_run(st, err, "DELETE FROM former_name WHERE service = ?", "s", service);
}

int
store_begin(struct store *st, struct err *err)
{
	return db_run(st, err, "BEGIN IMMEDIATE", "");
}

int
store_end(struct store *st, bool failed, struct err *err)
{
	int rc = failed ? -ECANCELED : db_run(st, err, "COMMIT", "");

	if (rc < 0)
		db_run(st, NULL, "ROLLBACK", "");
	return rc;
}
