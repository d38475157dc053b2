#include "core/store_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"

char *
store_file_path(const struct store_files *f, const char *service, int64_t number)
{
	return str_printf("%s/%s/%lld%s", f->dir, service, (long long)number, f->ending);
}

static int
write_and_commit(struct store *st, const char *dir, const char *path, const char *text, size_t len, struct err *err)
{
	int rc = store_write_file(dir, path, text, len, err);

	if (rc >= 0)
		rc = db_run(st, err, "COMMIT", "");
	if (rc < 0)
		(void)store_unlink(path, NULL);
	return rc;
}

int
store_file_commit(struct store *st, const struct store_files *f, const char *service, int rc, const char *text,
    size_t len, int64_t *ret_number, struct err *err)
{
	int64_t number = sqlite3_last_insert_rowid(st->db);
	auto_free char *dir = str_printf("%s/%s", f->dir, service);
	auto_free char *path = store_file_path(f, service, number);

	if (rc >= 0)
		rc = write_and_commit(st, dir, path, text, len, err);
	if (rc < 0) {
		db_run(st, NULL, "ROLLBACK", "");
		return rc;
	}
	*ret_number = number;
	return 0;
}

int
store_files_prune(struct store *st, const struct store_files *f, const char *service,
    const int64_t numbers[STORE_PRUNE_MAX], struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, f->select, f->types, service, numbers[0], numbers[1], numbers[2]);

	while (rc >= 0 && row) {
		auto_free char *path = store_file_path(f, service, sqlite3_column_int64(stmt, 0));

		rc = store_unlink(path, err);
		if (rc >= 0)
			rc = db_next(st, stmt, &row, err);
	}
	sqlite3_finalize(TAKE(stmt));
	return rc < 0 ? rc : db_run(st, err, f->drop, f->types, service, numbers[0], numbers[1], numbers[2]);
}

/* The names of the files that rows of a service have. */
static int
named_files(struct store *st, const struct store_files *f, const char *service, struct strv *ret, struct err *err)
{
	auto_stmt sqlite3_stmt *stmt = NULL;
	bool row = false;
	int rc = db_query(st, &stmt, &row, err, f->named, "s", service);

	while (rc >= 0 && row) {
		strv_add_take(ret, str_printf("%lld%s", (long long)sqlite3_column_int64(stmt, 0), f->ending));
		rc = db_next(st, stmt, &row, err);
	}
	return rc;
}

static int
sweep_service(struct store *st, const struct store_files *f, const char *service, struct err *err)
{
	auto_free char *path = str_printf("%s/%s", f->dir, service);
	auto_strv struct strv named = {NULL, 0};
	DIR *d = NULL;
	int rc = named_files(st, f, service, &named, err);

	if (rc < 0 || named.n == 0)
		return rc;
	if ((d = opendir(path)) == NULL)
		return err_errno(err, "cannot read %s", path);
	for (struct dirent *e = readdir(d); rc >= 0 && e != NULL; e = readdir(d)) {
		if (e->d_name[0] != '.' && !strv_has(&named, e->d_name) && unlinkat(dirfd(d), e->d_name, 0) < 0)
			rc = err_errno(err, "cannot remove %s/%s", path, e->d_name);
	}
	closedir(d);
	return rc;
}

int
store_files_sweep(struct store *st, const struct store_files *f, struct err *err)
{
	DIR *d = opendir(f->dir);
	int rc = 0;

	if (d == NULL)
		return err_errno(err, "cannot read %s", f->dir);
	for (struct dirent *e = readdir(d); rc >= 0 && e != NULL; e = readdir(d)) {
		if (e->d_name[0] != '.')
			rc = sweep_service(st, f, e->d_name, err);
	}
	closedir(d);
	return rc;
}

static int
empty(DIR *d, const char *path, struct err *err)
{
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") && unlinkat(dirfd(d), e->d_name, 0) < 0)
			return err_errno(err, "cannot remove %s/%s", path, e->d_name);
	}
	return 0;
}

int
store_files_remove(const char *dir, const char *service, struct err *err)
{
	auto_free char *path = str_printf("%s/%s", dir, service);
	DIR *d = opendir(path);
	int rc;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_errno(err, "cannot read %s", path);
	rc = empty(d, path, err);
	closedir(d);
	if (rc >= 0 && rmdir(path) < 0)
		rc = err_errno(err, "cannot remove %s", path);
	return rc;
}
