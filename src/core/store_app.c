#include <stdlib.h>

#include "base/auto.h"
#include "core/store_db.h"

void
store_app_done(struct store_app *a)
{
	char **all[] = {&a->main, &a->branch, &a->maker, &a->locked, &a->scale, &a->domains, &a->cname};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(TAKE(*all[i]));
}

int
store_app_get(struct store *st, const char *name, struct store_app *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err,
	    "SELECT main, branch, maker, locked, scale, domains, cname, made_ms, gone FROM app WHERE name = ?", "s",
	    name);

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
	};
	return row;
}

int
store_app_put(struct store *st, const char *name, const struct store_app *a, struct err *err)
{
	return db_run(st, err,
	    "INSERT OR REPLACE INTO app (name, main, branch, maker, locked, scale, domains, cname, made_ms, gone)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "ssssssssii", name, a->main, a->branch, a->maker, a->locked, a->scale, a->domains, a->cname, a->made_ms,
	    a->gone);
}
