/* What core must not forget, on a real database in a directory of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/store_db.h"
#include "core/store_push.h"

static char dir[64];
static unsigned syncs;

/* sqlite's own call ends here: how often does it wait for the disk? */
int
fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

static int
enter(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pgo-store-XXXXXX");
	return mkdtemp(dir) != NULL && chdir(dir) == 0 ? 0 : -1;
}

static int
leave(void **state)
{
	(void)state;
	unlink("pgo.db");
	unlink("pgo.db-wal");
	unlink("pgo.db-shm");
	for (int i = 1; i < 20; i++) {
		auto_free char *path = str_printf("models/web/%d.json", i);

		unlink(path);
	}
	for (int i = 1; i < 20; i++) {
		auto_free char *path = str_printf("vars/web/%d.json", i);

		unlink(path);
	}
	rmdir("vars/web");
	rmdir("vars");
	rmdir("models/web");
	rmdir("models");
	rmdir("logs");
	return chdir("/") == 0 ? rmdir(dir) : -1;
}

/* The records own their strings; the tests' are literals, which nobody frees. */
static char *
text(const char *s)
{
	static char texts[64][32];
	static size_t n;
	char *copy = texts[n++ % ARRAY_LEN(texts)];

	snprintf(copy, sizeof(texts[0]), "%s", s);
	return copy;
}

static struct store *
reopen(struct store *st)
{
	struct store *fresh = NULL;
	struct err err = ERR_INIT;

	store_close(st);
	if (store_open(&fresh, &err) < 0)
		fail_msg("%s", err.msg);
	return fresh;
}

static int64_t
add_release(struct store *st, const char *model)
{
	struct err err = ERR_INIT;
	int64_t id = 0;

	if (store_release_add(st, "web",
		&(struct store_release){
		    .commit = text("c"), .digest = text("d"), .basis = text("b"), .images = text("{}")},
		model, &id, &err) < 0)
		fail_msg("%s", err.msg);
	return id;
}

static int
begin(struct store *st, int64_t *ret_id)
{
	struct err err = ERR_INIT;

	return store_deploy_begin(
	    st, "web", &(struct store_begin){.trigger = "poll", .who = "tess", .commit = "abc"}, ret_id, &err);
}

static void
a_record_survives_reopening(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	auto_store_service struct store_service got = {0};
	auto_strv struct strv names = {NULL, 0};

	(void)state;
	assert_int_equal(store_service_get(st, "web", &got, &err), 0);
	assert_string_equal(got.tracked, "");
	store_service_done(&got);
	assert_int_equal(store_service_put(st, "web",
			     &(struct store_service){.source = text("s"),
				 .branch = text("main"),
				 .tracked = text("t"),
				 .judged = text("j"),
				 .refusal = text("no: it's \"bad\""),
				 .live = text("l"),
				 .stopped = text("*"),
				 .keys = text("x.pub:1:ssh-ed25519 A\n"),
				 .verdict = text("refused"),
				 .rejected = text("r"),
				 .rejected_why = text("unsigned"),
				 .switching = text("{}"),
				 .release = 7,
				 .applying = 8},
			     &err),
	    0);
	st = reopen(st);
	assert_int_equal(store_service_get(st, "web", &got, &err), 1);
	assert_string_equal(got.refusal, "no: it's \"bad\"");
	assert_string_equal(got.stopped, "*");
	assert_string_equal(got.keys, "x.pub:1:ssh-ed25519 A\n");
	assert_string_equal(got.verdict, "refused");
	assert_string_equal(got.rejected, "r");
	assert_string_equal(got.rejected_why, "unsigned");
	assert_string_equal(got.switching, "{}");
	assert_int_equal(got.release, 7);
	assert_int_equal(got.applying, 8);
	assert_int_equal(store_service_names(st, &names, &err), 0);
	assert_int_equal(names.n, 1);
	store_close(st);
}

static void
a_deploy_that_was_cut_off_is_found_with_its_step_and_release(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	int64_t id = 0;
	auto_store_deploy struct store_deploy d = {0};

	(void)state;
	assert_int_equal(store_deploy_last(st, "web", &d, &err), 0);
	store_deploy_done(&d);
	assert_int_equal(begin(st, &id), 0);
	assert_int_equal(store_deploy_step(st, id, "stage", false, &err), 0);
	assert_int_equal(store_deploy_step(st, id, "checkout", false, &err), 0);
	assert_int_equal(store_deploy_release(st, id, 42, &err), 0);
	st = reopen(st);
	assert_int_equal(store_deploy_last(st, "web", &d, &err), 1);
	assert_int_equal(d.ended_ms, 0);
	assert_string_equal(d.step, "checkout");
	assert_int_equal(d.release, 42);
	store_deploy_done(&d);
	assert_int_equal(store_deploy_end(st, id, "live", "", &err), 0);
	assert_int_equal(store_deploy_last(st, "web", &d, &err), 1);
	assert_true(d.ended_ms > 0);
	assert_string_equal(d.outcome, "live");
	assert_string_equal(d.who, "tess");
	store_close(st);
}

static void
a_deploy_waits_for_the_disk_only_for_what_a_power_cut_must_not_take(void **state)
{
	struct store *st = reopen(NULL), *other = NULL;
	struct err err = ERR_INIT;
	int64_t id = 0;
	auto_store_deploy struct store_deploy d = {0};

	(void)state;
	assert_int_equal(begin(st, &id), 0);
	syncs = 0;
	assert_int_equal(store_deploy_step(st, id, "stage", false, &err), 0);
	assert_int_equal(store_deploy_why(st, id, "web: image", &err), 0);
	assert_int_equal(store_deploy_release(st, id, 42, &err), 0);
	assert_int_equal(store_deploy_step(st, id, "checkout", false, &err), 0);
	assert_int_equal(syncs, 0);
	/* As after a kill -9 of core: what was noted is there. */
	assert_int_equal(store_open(&other, &err), 0);
	assert_int_equal(store_deploy_last(other, "web", &d, &err), 1);
	assert_string_equal(d.step, "checkout");
	assert_string_equal(d.why, "web: image");
	store_close(other);
	assert_int_equal(store_deploy_step(st, id, "stop", true, &err), 0);
	assert_int_equal(syncs, 1);
	assert_int_equal(store_deploy_end(st, id, "live", "", &err), 0);
	assert_int_equal(syncs, 2);
	store_close(st);
}

static void
a_removed_service_that_comes_again_knows_nothing_of_its_deploys(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	int64_t id = 0;
	auto_store_deploy struct store_deploy d = {0};

	(void)state;
	assert_int_equal(begin(st, &id), 0);
	assert_int_equal(store_deploy_applied(st, "web", &err), 0);
	assert_int_equal(store_deploy_release(st, id, 42, &err), 0);
	assert_int_equal(store_deploy_applied(st, "web", &err), 1);
	assert_int_equal(store_service_forget(st, "web", &err), 0);
	assert_int_equal(store_deploy_applied(st, "web", &err), 0);
	assert_int_equal(store_deploy_last(st, "web", &d, &err), 0);
	store_close(st);
}

static void
the_routes_that_a_proxy_took_in_are_known_until_its_service_is_removed(void **state)
{
	struct store *st = reopen(NULL);
	auto_free char *before = NULL;
	auto_free char *after = NULL;
	struct err err = ERR_INIT;
	bool loaded = true;

	(void)state;
	assert_int_equal(store_routes_get(st, "web", &before, &loaded, &err), 0);
	assert_null(before);
	assert_int_equal(store_routes_put(st, "web", "a", false, &err), 0);
	st = reopen(st);
	assert_int_equal(store_routes_get(st, "web", &before, &loaded, &err), 1);
	assert_string_equal(before, "a");
	assert_false(loaded);
	assert_int_equal(store_routes_put(st, "web", "", true, &err), 0);
	assert_int_equal(store_routes_get(st, "web", &after, &loaded, &err), 1);
	assert_string_equal(after, "");
	assert_true(loaded);
	assert_int_equal(store_service_forget(st, "web", &err), 0);
	assert_int_equal(store_routes_get(st, "web", &after, &loaded, &err), 0);
	store_close(st);
}

static void
what_a_push_was_to_change_is_known_until_it_is_settled(void **state)
{
	static const struct pushline_ref first[] = {
	    {"0000", "1111", "refs/heads/main"}, {"0000", "2222", "refs/tags/v1"}};
	static const struct pushline_ref second[] = {{"1111", "3333", "refs/heads/main"}};
	struct store *st = reopen(NULL);
	struct pushline_ref found[4];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(store_push_refs(st, "web", found, ARRAY_LEN(found), &err), 0);
	assert_int_equal(store_push_begin(st, "web", &(struct store_push){first, 2, "tess"}, &err), 0);
	assert_int_equal(store_push_deploy(st, "web", 7, &err), 0);
	st = reopen(st);
	assert_int_equal(store_push_refs(st, "app", found, ARRAY_LEN(found), &err), 0);
	assert_int_equal(store_push_refs(st, "web", found, ARRAY_LEN(found), &err), 2);
	assert_string_equal(found[0].name, "refs/heads/main");
	assert_string_equal(found[0].old, "0000");
	assert_string_equal(found[1].new, "2222");
	assert_int_equal(store_push_refs(st, "web", found, 1, &err), 1);
	/* Nothing of the one before stays. */
	assert_int_equal(store_push_begin(st, "web", &(struct store_push){second, 1, "tess"}, &err), 0);
	assert_int_equal(store_push_refs(st, "web", found, ARRAY_LEN(found), &err), 1);
	assert_string_equal(found[0].new, "3333");
	assert_int_equal(store_push_forget(st, "web", &err), 0);
	assert_int_equal(store_push_refs(st, "web", found, ARRAY_LEN(found), &err), 0);
	store_close(st);
}

static void
models_are_private_files_and_only_old_ones_are_pruned(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	auto_buf struct buf model = BUF_INIT(1000);
	auto_store_release struct store_release r = {0};
	int64_t ids[6];
	static const int gone[] = {0, 2};
	struct stat sb;

	(void)state;
	for (int i = 0; i < 6; i++) {
		auto_free char *model_text = str_printf("{\"n\": %d}", i);

		ids[i] = add_release(st, model_text);
	}
	for (int i = 1; i < 5; i++)
		assert_int_equal(store_release_good(st, ids[i], &err), 0);
	assert_int_equal(store_release_prune(st, "web", 2, ids[1], ids[5], &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
		assert_int_equal(store_release_get(st, ids[gone[i]], &r, &err), 0);
		assert_true(store_model_read(st, "web", ids[gone[i]], &model, &err) < 0);
	}
	/* The one that runs stays, however old, and the one that is being applied. */
	assert_int_equal(store_release_get(st, ids[1], &r, &err), 1);
	assert_true(store_model_read(st, "web", ids[1], &model, &err) >= 0);
	assert_string_equal(buf_str(&model), "{\"n\": 1}");
	for (int i = 3; i < 6; i++) {
		auto_free char *path = str_printf("models/web/%lld.json", (long long)ids[i]);

		assert_int_equal(stat(path, &sb), 0);
		assert_int_equal(sb.st_mode & 0777, 0600);
	}
	assert_int_equal(store_service_forget(st, "web", &err), 0);
	assert_int_not_equal(stat("models/web", &sb), 0);
	store_close(st);
}

static void
the_last_good_release_is_the_one_that_was_good_last_and_not_the_newest(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	int64_t ids[4];
	int64_t good = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		ids[i] = add_release(st, "{}");
	assert_int_equal(store_release_last_good(st, "web", ids[3], &good, &err), 0);
	assert_int_equal(store_release_good(st, ids[1], &err), 0);
	assert_int_equal(usleep(2000), 0); /* they are told apart by the millisecond */
	assert_int_equal(store_release_good(st, ids[0], &err), 0);
	assert_int_equal(store_release_last_good(st, "web", ids[3], &good, &err), 1);
	assert_int_equal(good, ids[0]);
	assert_int_equal(store_release_last_good(st, "web", ids[0], &good, &err), 1);
	assert_int_equal(good, ids[1]);
	store_close(st);
}

static bool
count_deploy(void *ctx, const struct store_deploy *d)
{
	(void)d;
	++*(int *)ctx;
	return true;
}

static void
healing_does_not_push_the_deploys_out_of_the_history(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	auto_store_deploy struct store_deploy d = {0};
	int64_t deploy = 0;
	int64_t heal = 0;
	int n = 0;

	(void)state;
	assert_int_equal(begin(st, &deploy), 0);
	assert_int_equal(db_run(st, &err, "BEGIN", ""), 0);
	for (int i = 0; i < STORE_DEPLOYS_KEPT + 10; i++)
		assert_int_equal(store_deploy_begin(st, "web",
				     &(struct store_begin){.trigger = "heal", .why = "web: exited"}, &heal, &err),
		    0);
	assert_int_equal(db_run(st, &err, "COMMIT", ""), 0);
	assert_int_equal(store_deploy_each(st, "web", 1000, count_deploy, &n, &err), 0);
	assert_int_equal(n, 1 + STORE_HEALS_KEPT);
	assert_int_equal(store_deploy_last(st, "web", &d, &err), 1);
	assert_int_equal(d.id, deploy);
	store_close(st);
}

static void
whose_an_app_was_is_known_when_its_service_is_forgotten(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	auto_store_app struct store_app a = {0};
	auto_store_app struct store_app gone = {0};
	const struct store_app shop = {.main = text("shop"),
	    .branch = text("main"),
	    .maker = text("alice"),
	    .locked = text(""),
	    .scale = text("web=3"),
	    .domains = text("a.example.org"),
	    .cname = text(""),
	    .made_ms = 1234};

	(void)state;
	assert_int_equal(store_app_get(st, "shop", &a, &err), 0);
	store_app_done(&a);
	assert_int_equal(store_app_put(st, "shop", &shop, &err), 0);
	st = reopen(st);
	assert_int_equal(store_app_get(st, "shop", &a, &err), 1);
	assert_string_equal(a.maker, "alice");
	assert_string_equal(a.scale, "web=3");
	assert_int_equal(a.made_ms, 1234);
	assert_int_equal(store_service_forget(st, "shop", &err), 0);
	assert_int_equal(store_app_get(st, "shop", &gone, &err), 1);
	assert_string_equal(gone.maker, "alice");
	store_close(st);
}

static void
assert_called(struct store *st, const char *called, const char *service)
{
	auto_free char *found = NULL;

	assert_int_equal(store_app_called(st, called, &found, NULL), service != NULL);
	assert_true(str_eq(found, service));
}

static void
assert_formerly(struct store *st, const char *called, const char *service)
{
	auto_free char *found = NULL;

	assert_int_equal(store_app_formerly(st, called, &found, NULL), service != NULL);
	assert_true(str_eq(found, service));
}

static void
an_app_that_is_renamed_is_found_by_its_new_name_or_as_if_nothing_had_been(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	const struct store_app shop = {.called = text("shop"), .made_ms = 1};

	(void)state;
	assert_int_equal(store_app_put(st, "shop", &shop, &err), 0);
	assert_int_equal(store_begin(st, &err), 0);
	assert_int_equal(store_app_rename(st, "shop", "shop", "a.store", &err), 0);
	assert_true(store_end(st, true, &err) < 0);
	st = reopen(st);
	assert_called(st, "shop", "shop");
	assert_called(st, "a.store", NULL);
	assert_formerly(st, "shop", NULL);
	/* A kill before the end. */
	assert_int_equal(store_begin(st, &err), 0);
	assert_int_equal(store_app_rename(st, "shop", "shop", "a.store", &err), 0);
	st = reopen(st);
	assert_called(st, "shop", "shop");
	assert_formerly(st, "shop", NULL);
	assert_int_equal(store_begin(st, &err), 0);
	assert_int_equal(store_app_rename(st, "shop", "shop", "a.store", &err), 0);
	assert_int_equal(store_end(st, false, &err), 0);
	st = reopen(st);
	assert_called(st, "shop", NULL);
	assert_called(st, "a.store", "shop");
	assert_formerly(st, "shop", "shop");
	assert_int_equal(store_app_rename(st, "shop", "a.store", "shop", &err), 0);
	assert_formerly(st, "shop", NULL);
	assert_formerly(st, "a.store", "shop");
	assert_int_equal(store_app_forget_names(st, "shop", &err), 0);
	assert_formerly(st, "a.store", NULL);
	store_close(st);
}

/* As version 1 made it, with a row in each table. */
static const char *const old[] = {
    "CREATE TABLE service (name TEXT PRIMARY KEY, source TEXT NOT NULL, branch TEXT NOT NULL, tracked TEXT NOT NULL,"
    " judged TEXT NOT NULL, refusal TEXT NOT NULL, live TEXT NOT NULL, stopped TEXT NOT NULL, keys TEXT NOT NULL,"
    " release INTEGER NOT NULL) STRICT",
    "CREATE TABLE release (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, oid TEXT NOT NULL,"
    " digest TEXT NOT NULL, basis TEXT NOT NULL, images TEXT NOT NULL, made_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE deploy (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, trigger TEXT NOT NULL,"
    " oid TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
    " release INTEGER NOT NULL DEFAULT 0, begun_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE step (deploy INTEGER NOT NULL REFERENCES deploy (id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " begun_ms INTEGER NOT NULL) STRICT",
    "INSERT INTO service VALUES ('web', 's', 'main', 't', 'j', 'bad', 'l', '*', 'k', 2)",
    "INSERT INTO release VALUES (1, 'web', 'c1', 'd1', 'b1', '{}', 1000), (2, 'web', 'c2', 'd2', 'b2', '{}', 2000)",
    "INSERT INTO deploy VALUES (7, 'web', 'poll', 'c2', 'live', '', 2, 10, 20)",
    "INSERT INTO step VALUES (7, 'watch', 15)",
    "PRAGMA user_version = 1",
};

static void
a_database_of_the_version_before_keeps_all_that_is_in_it(void **state)
{
	struct store *st = NULL;
	struct err err = ERR_INIT;
	auto_store_service struct store_service s = {0};
	auto_store_deploy struct store_deploy d = {0};
	sqlite3 *db = NULL;
	int64_t good = 0;

	(void)state;
	assert_int_equal(sqlite3_open("pgo.db", &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		assert_int_equal(sqlite3_exec(db, old[i], NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	st = reopen(st);
	assert_int_equal(store_service_get(st, "web", &s, &err), 1);
	assert_string_equal(s.refusal, "bad");
	assert_string_equal(s.verdict, "refused");
	assert_string_equal(s.stopped, "*");
	assert_int_equal(s.release, 2);
	assert_int_equal(s.applying, 0);
	assert_string_equal(s.finished, "*");
	assert_int_equal(store_deploy_last(st, "web", &d, &err), 1);
	assert_int_equal(d.id, 7);
	assert_string_equal(d.step, "watch");
	/* What ran is what can be gone back to. */
	assert_int_equal(store_release_last_good(st, "web", 0, &good, &err), 1);
	assert_int_equal(good, 2);
	st = reopen(st);
	store_close(st);
}

static bool
add_pushkey(void *ctx, const struct store_pushkey *k)
{
	buf_printf(ctx, "%s|%s|%s|%s|%lld;", k->name, k->line, k->apps, k->maker, (long long)k->made_ms);
	return true;
}

static void
an_uploaded_key_is_known_until_it_is_removed(void **state)
{
	struct store *st = reopen(NULL);
	struct store_pushkey zoe = {text("zoe"), text("ssh-ed25519 A"), text("+"), text("op"), 5};
	struct store_pushkey ann = {text("ann"), text("ssh-ed25519 B"), text("a\nb\n"), text("op"), 6};
	auto_buf struct buf rows = BUF_INIT(4096);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(store_pushkey_put(st, &zoe, &err), 0);
	assert_int_equal(store_pushkey_put(st, &ann, &err), 0);
	zoe.apps = text("*");
	assert_int_equal(store_pushkey_put(st, &zoe, &err), 0);
	st = reopen(st);
	assert_int_equal(store_pushkey_each(st, add_pushkey, &rows, &err), 0);
	assert_string_equal(buf_str(&rows), "ann|ssh-ed25519 B|a\nb\n|op|6;zoe|ssh-ed25519 A|*|op|5;");
	assert_int_equal(store_pushkey_remove(st, "ann", &err), 0);
	buf_reset(&rows);
	assert_int_equal(store_pushkey_each(st, add_pushkey, &rows, &err), 0);
	assert_string_equal(buf_str(&rows), "zoe|ssh-ed25519 A|*|op|5;");
	store_close(st);
}

static void
a_database_of_a_newer_pgod_is_refused(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	FILE *f;

	(void)state;
	store_close(st);
	/* user_version is at offset 60 of the header, big-endian; the WAL was folded in at close. */
	f = fopen("pgo.db", "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 60, SEEK_SET), 0);
	assert_int_equal(fwrite("\0\0\0\x63", 1, 4, f), 4);
	fclose(f);
	assert_true(store_open(&st, &err) < 0);
	assert_non_null(strstr(err.msg, "newer"));
}

static bool
add_version(void *ctx, int64_t version)
{
	buf_printf(ctx, "%lld ", (long long)version);
	return true;
}

static void
check_versions(struct store *st, const char *want)
{
	auto_buf struct buf got = BUF_INIT(256);

	assert_int_equal(store_vars_each(st, "web", add_version, &got, NULL), 0);
	assert_string_equal(buf_str(&got), want);
}

static void
a_rollback_does_not_find_the_variables_of_its_release(void **state)
{
	struct store *st = reopen(NULL);
	auto_store_service struct store_service row = {0};
	auto_store_release struct store_release r = {0};
	auto_buf struct buf got = BUF_INIT(64);
	struct err err = ERR_INIT;
	struct stat file;
	int64_t v[4], id;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		auto_free char *json = str_printf("{\"A\": \"%zu\"}", i);

		assert_int_equal(store_vars_add(st, "web", json, strlen(json), &v[i], &err), 0);
	}
	assert_int_equal(stat("vars/web/2.json", &file), 0);
	assert_int_equal(file.st_mode & 07777, 0600);
	assert_int_equal(
	    store_release_add(st, "web",
		&(struct store_release){
		    .commit = text("c"), .digest = text("d"), .basis = text("b"), .images = text("{}"), .vars = v[1]},
		"{}", &id, &err),
	    0);
	assert_int_equal(store_vars_prune(st, "web", v[3], &err), 0);
	check_versions(st, "2 4 ");
	st = reopen(st);
	assert_int_equal(store_release_get(st, id, &r, &err), 1);
	assert_int_equal(r.vars, v[1]);
	assert_int_equal(store_vars_read(st, "web", r.vars, &got, &err), 0);
	assert_string_equal(buf_str(&got), "{\"A\": \"1\"}");
	/* A number that was given is not given again. */
	assert_int_equal(store_vars_prune(st, "web", 0, &err), 0);
	assert_int_equal(store_vars_add(st, "web", "{}", 2, &v[0], &err), 0);
	assert_int_equal(v[0], 5);
	assert_int_equal(store_service_get(st, "web", &row, &err), 0);
	row.vars = v[0];
	assert_int_equal(store_service_put(st, "web", &row, &err), 0);
	store_service_done(&row);
	assert_int_equal(store_service_get(st, "web", &row, &err), 1);
	assert_int_equal(row.vars, v[0]);
	assert_int_equal(store_service_forget(st, "web", &err), 0);
	check_versions(st, "");
	assert_int_equal(access("vars/web", F_OK), -1);
	store_close(st);
}

static void
leave_file(const char *path)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
}

static void
the_next_service_of_a_name_has_the_keys_of_the_one_that_was_killed_while_it_wrote(void **state)
{
	static const char *const left[] = {"models/web/new", "vars/web/new", "vars/web/99.json", "logs/web/7.log"};
	struct store *st = reopen(NULL);
	auto_store_service struct store_service row = {0};
	struct err err = ERR_INIT;
	int64_t n = 0;

	(void)state;
	add_release(st, "{}");
	assert_int_equal(store_vars_add(st, "web", "{}", 2, &n, &err), 0);
	assert_int_equal(mkdir("logs/web", 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		leave_file(left[i]);
	assert_int_equal(store_service_get(st, "web", &row, &err), 0);
	str_set(&row.keys, "k.pub:1:ssh-ed25519 AAAA");
	assert_int_equal(store_service_put(st, "web", &row, &err), 0);
	store_service_done(&row);
	assert_int_equal(store_service_forget(st, "web", &err), 0);
	assert_int_equal(store_service_get(st, "web", &row, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		assert_int_equal(access(left[i], F_OK), -1);
	assert_int_equal(store_service_forget(st, "web", &err), 0);
	store_close(st);
}

/* The number is given again, to another service perhaps: a lost database is told from that by its having no row at all.
 */
static void
what_a_core_that_was_killed_wrote_for_a_row_that_never_came_stays_for_ever(void **state)
{
	static const char *const left[] = {"models/web/17.json", "models/web/new", "vars/web/17.json", "vars/web/new"};
	static const char *const kept[] = {
	    "models/web/1.json", "vars/web/1.json", "models/lost/17.json", "vars/lost/17.json"};
	static const char *const others[] = {"models/lost", "vars/lost"};
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	int64_t n = 0;

	(void)state;
	add_release(st, "{}");
	assert_int_equal(store_vars_add(st, "web", "{}", 2, &n, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(mkdir(others[i], 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		leave_file(left[i]);
	leave_file(kept[2]);
	leave_file(kept[3]);
	st = reopen(st);
	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		assert_int_equal(access(left[i], F_OK), -1);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		assert_int_equal(access(kept[i], F_OK), 0);
	assert_int_equal(unlink(kept[2]), 0);
	assert_int_equal(unlink(kept[3]), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(rmdir(others[i]), 0);
	store_close(st);
}

static void
what_cannot_be_written_leaves_a_part_of_it(void **state)
{
	struct store *st = reopen(NULL);
	struct err err = ERR_INIT;
	struct stat sb;
	int64_t n = 0;

	(void)state;
	/* A rename onto a directory fails, as it would on a disk that is full. */
	assert_int_equal(mkdir("vars/web", 0700), 0);
	assert_int_equal(mkdir("vars/web/1.json", 0700), 0);
	assert_true(store_vars_add(st, "web", "{}", 2, &n, &err) < 0);
	assert_int_equal(stat("vars/web/new", &sb), -1);
	check_versions(st, "");
	assert_int_equal(rmdir("vars/web/1.json"), 0);
	assert_int_equal(store_vars_add(st, "web", "{}", 2, &n, &err), 0);
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_record_survives_reopening, enter, leave),
	    cmocka_unit_test_setup_teardown(whose_an_app_was_is_known_when_its_service_is_forgotten, enter, leave),
	    cmocka_unit_test_setup_teardown(
		an_app_that_is_renamed_is_found_by_its_new_name_or_as_if_nothing_had_been, enter, leave),
	    cmocka_unit_test_setup_teardown(
		a_deploy_waits_for_the_disk_only_for_what_a_power_cut_must_not_take, enter, leave),
	    cmocka_unit_test_setup_teardown(a_deploy_that_was_cut_off_is_found_with_its_step_and_release, enter, leave),
	    cmocka_unit_test_setup_teardown(
		a_removed_service_that_comes_again_knows_nothing_of_its_deploys, enter, leave),
	    cmocka_unit_test_setup_teardown(
		the_routes_that_a_proxy_took_in_are_known_until_its_service_is_removed, enter, leave),
	    cmocka_unit_test_setup_teardown(what_a_push_was_to_change_is_known_until_it_is_settled, enter, leave),
	    cmocka_unit_test_setup_teardown(a_rollback_does_not_find_the_variables_of_its_release, enter, leave),
	    cmocka_unit_test_setup_teardown(models_are_private_files_and_only_old_ones_are_pruned, enter, leave),
	    cmocka_unit_test_setup_teardown(
		the_last_good_release_is_the_one_that_was_good_last_and_not_the_newest, enter, leave),
	    cmocka_unit_test_setup_teardown(healing_does_not_push_the_deploys_out_of_the_history, enter, leave),
	    cmocka_unit_test_setup_teardown(a_database_of_the_version_before_keeps_all_that_is_in_it, enter, leave),
	    cmocka_unit_test_setup_teardown(an_uploaded_key_is_known_until_it_is_removed, enter, leave),
	    cmocka_unit_test_setup_teardown(a_database_of_a_newer_pgod_is_refused, enter, leave),
	    cmocka_unit_test_setup_teardown(
		the_next_service_of_a_name_has_the_keys_of_the_one_that_was_killed_while_it_wrote, enter, leave),
	    cmocka_unit_test_setup_teardown(
		what_a_core_that_was_killed_wrote_for_a_row_that_never_came_stays_for_ever, enter, leave),
	    cmocka_unit_test_setup_teardown(what_cannot_be_written_leaves_a_part_of_it, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
