/* Inside of the store: sqlite's calls with our errors. Only store*.c include this. */
#ifndef PGO_CORE_STORE_DB_H
#define PGO_CORE_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>

#include "core/store.h"

struct store {
	sqlite3 *db;
};

/* What is written by db_run is on the disk when it returns. */
#define DB_SYNCED "PRAGMA synchronous = FULL"

#define auto_stmt __attribute__((cleanup(stmt_done)))
void stmt_done(sqlite3_stmt **s);

/* -EIO with sqlite's sentence. */
int db_error(struct store *st, struct err *err, const char *what);
/* Runs a statement that returns no rows. types: one letter a parameter, s a string (NULL becomes ""), i an int64_t. */
int db_run(struct store *st, struct err *err, const char *sql, const char *types, ...);
/* The same, for what survives the end of this process, but may be lost with the machine's power: nobody waits for the
 * disk. Not inside of a transaction. */
int db_note(struct store *st, struct err *err, const char *sql, const char *types, ...);
/* Starts a query; *ret_row tells whether there is a first row. */
int db_query(
    struct store *st, sqlite3_stmt **ret, bool *ret_row, struct err *err, const char *sql, const char *types, ...);
/* On to the next row. */
int db_next(struct store *st, sqlite3_stmt *stmt, bool *ret_row, struct err *err);
/* A column as an owned string, "" for NULL. */
char *db_text(sqlite3_stmt *stmt, int i);

/* Writes a file of a directory, 0600, which is made if missing: durable before its name is. */
int store_write_file(const char *dir, const char *path, const void *data, size_t len, struct err *err);
/* Unlinks what belongs to a row that goes; that it is gone already is fine. */
int store_unlink(const char *path, struct err *err);

#endif
