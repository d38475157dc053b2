#include <stdlib.h>

#include "base/auto.h"
#include "core/store_files.h"

void
store_service_done(struct store_service *s)
{
	char **all[] = {&s->source, &s->branch, &s->tracked, &s->judged, &s->verdict, &s->refusal, &s->live,
	    &s->stopped, &s->keys, &s->finished, &s->rejected, &s->rejected_why, &s->switching, &s->rules};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(TAKE(*all[i]));
}

int
store_service_get(struct store *st, const char *name, struct store_service *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err,
	    "SELECT source, branch, tracked, judged, verdict, refusal, live, stopped, keys, rejected, rejected_why, finished, release,"
	    " applying, switching, rules, vars FROM service WHERE name = ?",
	    "s", name);

	if (rc < 0)
		return rc;
	*ret = (struct store_service){
	    .source = db_text(stmt, 0),
	    .branch = db_text(stmt, 1),
	    .tracked = db_text(stmt, 2),
	    .judged = db_text(stmt, 3),
	    .verdict = db_text(stmt, 4),
	    .refusal = db_text(stmt, 5),
	    .live = db_text(stmt, 6),
	    .stopped = db_text(stmt, 7),
	    .keys = db_text(stmt, 8),
	    .rejected = db_text(stmt, 9),
	    .rejected_why = db_text(stmt, 10),
	    .finished = db_text(stmt, 11),
	    .release = sqlite3_column_int64(stmt, 12),
	    .applying = sqlite3_column_int64(stmt, 13),
	    .switching = db_text(stmt, 14),
	    .rules = db_text(stmt, 15),
	    .vars = sqlite3_column_int64(stmt, 16),
	};
	return row;
}

int
store_service_put(struct store *st, const char *name, const struct store_service *s, struct err *err)
{
	return db_run(st, err,
	    "INSERT OR REPLACE INTO service (name, source, branch, tracked, judged, verdict, refusal, live, stopped, keys,"
	    " rejected, rejected_why, finished, release, applying, switching, rules, vars) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
	    " ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "sssssssssssssiissi", name, s->source, s->branch, s->tracked, s->judged, s->verdict, s->refusal, s->live,
	    s->stopped, s->keys, s->rejected, s->rejected_why, s->finished, s->release, s->applying, s->switching,
	    s->rules, s->vars);
}

int
store_service_names(struct store *st, struct strv *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, "SELECT name FROM service ORDER BY name", "");

	while (rc >= 0 && row) {
		strv_add_take(ret, db_text(stmt, 0));
		rc = db_next(st, stmt, &row, err);
	}
	return rc;
}

/* Its own row goes last: what was interrupted is done again. */
int
store_service_forget(struct store *st, const char *name, struct err *err)
{
	static const char *const dirs[] = {"models", "logs", "vars"};
	static const char *const rows[] = {"DELETE FROM release WHERE service = ?",
	    "DELETE FROM deploy WHERE service = ?", "DELETE FROM vars WHERE service = ?",
	    "DELETE FROM kept_image WHERE service = ?", "DELETE FROM routes WHERE service = ?",
	    "DELETE FROM push WHERE service = ?", "DELETE FROM service WHERE name = ?"};
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(dirs); i++)
		rc = store_files_remove(dirs[i], name, err);
	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(rows); i++)
		rc = db_run(st, err, rows[i], "s", name);
	return rc;
}

int
store_image_kept(struct store *st, const char *service, const char *image, bool kept, struct err *err)
{
	return db_run(st, err,
	    kept ? "INSERT OR IGNORE INTO kept_image (service, image) VALUES (?, ?)"
		 : "DELETE FROM kept_image WHERE service = ? AND image = ?",
	    "ss", service, image);
}

int
store_images_kept(struct store *st, const char *service, struct strv *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(
	    st, &stmt, &row, err, "SELECT image FROM kept_image WHERE service = ? ORDER BY image", "s", service);

	while (rc >= 0 && row) {
		strv_add_take(ret, db_text(stmt, 0));
		rc = db_next(st, stmt, &row, err);
	}
	return rc;
}

int
store_routes_get(struct store *st, const char *service, char **ret_text, bool *ret_loaded, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, "SELECT text, loaded FROM routes WHERE service = ?", "s", service);

	if (rc < 0 || !row)
		return rc;
	*ret_text = db_text(stmt, 0);
	*ret_loaded = sqlite3_column_int64(stmt, 1) != 0;
	return 1;
}

int
store_routes_put(struct store *st, const char *service, const char *text, bool loaded, struct err *err)
{
	return db_run(st, err, "INSERT OR REPLACE INTO routes (service, text, loaded) VALUES (?, ?, ?)", "ssi", service,
	    text, (int64_t)loaded);
}
