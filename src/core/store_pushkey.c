#include "base/auto.h"
#include "core/store_db.h"

void
store_pushkey_done(struct store_pushkey *k)
{
	free(TAKE(k->name));
	free(TAKE(k->line));
	free(TAKE(k->apps));
	free(TAKE(k->maker));
}

int
store_pushkey_put(struct store *st, const struct store_pushkey *k, struct err *err)
{
	return db_run(st, err,
	    "INSERT OR REPLACE INTO push_key (name, line, apps, made_ms, maker) VALUES (?, ?, ?, ?, ?)", "sssis",
	    k->name, k->line, k->apps, k->made_ms, k->maker);
}

int
store_pushkey_remove(struct store *st, const char *name, struct err *err)
{
	return db_run(st, err, "DELETE FROM push_key WHERE name = ?", "s", name);
}

int
store_pushkey_each(struct store *st, bool (*cb)(void *ctx, const struct store_pushkey *k), void *ctx, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	bool more = true;
	int rc =
	    db_query(st, &stmt, &row, err, "SELECT name, line, apps, made_ms, maker FROM push_key ORDER BY name", "");

	while (rc >= 0 && row && more) {
		auto_store_pushkey struct store_pushkey k = {
		    .name = db_text(stmt, 0),
		    .line = db_text(stmt, 1),
		    .apps = db_text(stmt, 2),
		    .made_ms = sqlite3_column_int64(stmt, 3),
		    .maker = db_text(stmt, 4),
		};

		more = cb(ctx, &k);
		rc = db_next(st, stmt, &row, err);
	}
	return rc;
}
