#include "core/store_db.h"

#include <errno.h>
#include <stdarg.h>

#include "base/auto.h"
#include "base/str.h"

int
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

void
stmt_done(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}

static int
run(struct store *st, struct err *err, const char *sql, const char *types, va_list ap)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	int rc = db_prepare(st, &stmt, err, sql, types, ap);

	if (rc < 0)
		return rc;
	rc = sqlite3_step(stmt);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : db_error(st, err, "write");
}

int
db_run(struct store *st, struct err *err, const char *sql, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = run(st, err, sql, types, ap);
	va_end(ap);
	return rc;
}

/* The log is synced as a whole: the next db_run takes to the disk what was noted before it. */
int
db_note(struct store *st, struct err *err, const char *sql, const char *types, ...)
{
	va_list ap;
	int rc = db_run(st, err, "PRAGMA synchronous = NORMAL", "");

	if (rc < 0)
		return rc;
	va_start(ap, types);
	rc = run(st, err, sql, types, ap);
	va_end(ap);
	if (db_run(st, rc < 0 ? NULL : err, DB_SYNCED, "") < 0 && rc >= 0)
		rc = -EIO;
	return rc;
}

int
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

char *
db_text(sqlite3_stmt *stmt, int i)
{
	const unsigned char *s = sqlite3_column_text(stmt, i);

	return str_dup(s != NULL ? (const char *)s : "");
}

int
db_next(struct store *st, sqlite3_stmt *stmt, bool *ret_row, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_error(st, err, "read");
	*ret_row = rc == SQLITE_ROW;
	return 0;
}
