#include "core/store_push.h"

#include <stdio.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/store_db.h"

static int
add_all(struct store *st, const char *service, const struct store_push *p, struct err *err)
{
	int rc = db_run(st, err, "DELETE FROM push WHERE service = ?", "s", service);

	for (size_t i = 0; rc >= 0 && i < p->nrefs; i++)
		rc = db_run(st, err,
		    "INSERT OR REPLACE INTO push (service, ref, old, new, who, begun_ms) VALUES (?, ?, ?, ?, ?, ?)",
		    "sssssi", service, p->refs[i].name, p->refs[i].old, p->refs[i].new, p->who, io_wall_ms());
	return rc;
}

int
store_push_begin(struct store *st, const char *service, const struct store_push *p, struct err *err)
{
	int rc = db_run(st, err, "BEGIN IMMEDIATE", "");

	if (rc < 0)
		return rc;
	rc = add_all(st, service, p, err);
	if (rc >= 0)
		rc = db_run(st, err, "COMMIT", "");
	if (rc < 0)
		db_run(st, NULL, "ROLLBACK", "");
	return rc;
}

int
store_push_deploy(struct store *st, const char *service, int64_t deploy, struct err *err)
{
	return db_run(st, err, "UPDATE push SET deploy = ? WHERE service = ?", "is", deploy, service);
}

static void
get_text(sqlite3_stmt *stmt, int i, char *ret, size_t size)
{
	auto_free char *text = db_text(stmt, i);

	snprintf(ret, size, "%s", text);
}

int
store_push_refs(struct store *st, const char *service, struct pushline_ref *ret, size_t max, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	size_t n = 0;
	int rc = db_query(
	    st, &stmt, &row, err, "SELECT ref, old, new FROM push WHERE service = ? ORDER BY ref", "s", service);

	for (; rc >= 0 && row && n < max; n++) {
		get_text(stmt, 0, ret[n].name, sizeof(ret[n].name));
		get_text(stmt, 1, ret[n].old, sizeof(ret[n].old));
		get_text(stmt, 2, ret[n].new, sizeof(ret[n].new));
		rc = db_next(st, stmt, &row, err);
	}
	return rc < 0 ? rc : (int)n;
}

int
store_push_forget(struct store *st, const char *service, struct err *err)
{
	return db_run(st, err, "DELETE FROM push WHERE service = ?", "s", service);
}
