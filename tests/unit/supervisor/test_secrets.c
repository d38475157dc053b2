/* The files that one job alone sees. */
#include "../conf/cmocka_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "supervisor/secrets.h"

enum { UID = 4242, GID = 4343 };

static char *entries[] = {(char[]){"tok:en@with@registry.example.org:5000"}, (char[]){"alice:s3cret@docker.io"}, NULL};
static const struct conf_service service = {
    .name = (char[]){"web"}, .user = (char[]){"web"}, .registries = {.v = entries, .n = 2}};

static const struct account nobody = {.home = (char[]){ACCOUNT_NO_HOME}};
static const struct account somebody = {.home = (char[]){"/home/web"}};

/* No deploy keys: there is no directory. */
static const struct facts facts = {.dirfd = AT_FDCWD, .dir = "/d"};

static void
docker_finds_user_and_token_where_it_looks_for_them(void **state)
{
	auto_secrets struct secrets s = {0};

	(void)state;
	assert_int_equal(secrets_of(&facts, job_kind_find("pull"), &service, &somebody, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.files[0].name, "config.json");
	/* printf %s tok:en@with | base64 */
	assert_string_equal(buf_str(&s.files[0].data),
	    "{\"auths\":{\"registry.example.org:5000\":{\"auth\":\"dG9rOmVuQHdpdGg=\"},"
	    "\"https://index.docker.io/v1/\":{\"auth\":\"YWxpY2U6czNjcmV0\"}}}");
}

static void
the_services_user_stands_for_one_that_is_not_said(void **state)
{
	char *alone[] = {(char[]){"token@r"}, NULL};
	const struct conf_service web = {.user = (char[]){"web"}, .registries = {.v = alone, .n = 1}};
	auto_secrets struct secrets s = {0};

	(void)state;
	assert_int_equal(secrets_of(&facts, job_kind_find("build"), &web, &somebody, &s, NULL), 0);
	/* printf %s web:token | base64 */
	assert_string_equal(buf_str(&s.files[0].data), "{\"auths\":{\"r\":{\"auth\":\"d2ViOnRva2Vu\"}}}");
}

static void
each_job_is_told_where_its_own_are(void **state)
{
	auto_secrets struct secrets s = {0};
	auto_strv struct strv envp = {0};

	(void)state;
	assert_int_equal(secrets_of(&facts, job_kind_find("pull"), &service, &somebody, &s, NULL), 0);
	secrets_envp(&s, "/d/.private", &envp);
	assert_int_equal(envp.n, 1);
	assert_string_equal(envp.v[0], "DOCKER_CONFIG=/d/.private");
}

static void
a_build_leaves_no_temporary_files(void **state)
{
	auto_secrets struct secrets s = {0};
	auto_strv struct strv envp = {0};

	(void)state;
	assert_int_equal(secrets_of(&facts, job_kind_find("build"), NULL, &somebody, &s, NULL), 0);
	assert_true(secrets_any(&s));
	secrets_envp(&s, "/d/.private", &envp);
	assert_int_equal(envp.n, 1);
	assert_string_equal(envp.v[0], "TMPDIR=/d/.private");
}

static const char key_text[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";

static void
write_key(int dirfd, const char *name, mode_t mode, const char *more)
{
	auto_close int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(io_write_all(fd, key_text, strlen(key_text), NULL), 0);
	assert_int_equal(io_write_all(fd, more, strlen(more), NULL), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

/* And what stands behind it in root's file stays there. */
static void
what_speaks_to_the_repository_gets_the_services_own_deploy_key(void **state)
{
	static const char *const speakers[] = {"ls-remote", "fetch", "export", "verify", "submodules"};
	char dir[] = "/tmp/pgot-secrets-XXXXXX";
	const struct conf_service shop = {.name = (char[]){"shop"}};
	struct facts f = {.dirfd = -1, .dir = dir};
	struct err err = ERR_INIT;
	auto_close int dirfd = open(mkdtemp(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = 0;
	const struct job_kind *kinds = job_kind_table(&n);

	(void)state;
	f.dirfd = dirfd;
	assert_int_equal(mkdirat(dirfd, ".ssh", 0700), 0);
	assert_int_equal(mkdirat(dirfd, ".ssh/deploy", 0700), 0);
	write_key(dirfd, ".ssh/deploy/web", 0600, "ssh-ed25519 AAAA\n");
	for (size_t i = 0; i < n; i++) {
		auto_secrets struct secrets s = {0};
		auto_strv struct strv envp = {0};
		bool wanted = false;

		for (size_t j = 0; j < ARRAY_LEN(speakers); j++)
			wanted = wanted || str_eq(kinds[i].name, speakers[j]);
		assert_int_equal(secrets_of(&f, &kinds[i], &shop, &somebody, &s, &err), 0);
		assert_int_equal(s.n, 0);
		assert_int_equal(secrets_of(&f, &kinds[i], &service, &somebody, &s, &err), 0);
		secrets_envp(&s, "/d/.private", &envp);
		assert_int_equal(strv_has(&envp, "PGO_SSH_KEY=/d/.private/deploy_key"), wanted);
		if (wanted)
			assert_string_equal(buf_str(&s.files[0].data), key_text);
	}
	/* One that others may have read is no key to trust. */
	write_key(dirfd, ".ssh/deploy/web", 0640, "");
	for (size_t j = 0; j < ARRAY_LEN(speakers); j++) {
		auto_secrets struct secrets s = {0};

		assert_int_equal(secrets_of(&f, job_kind_find(speakers[j]), &service, &somebody, &s, &err), -EPERM);
		assert_int_equal(s.n, 0);
	}
	assert_non_null(strstr(err.msg, "chmod 600"));
	assert_int_equal(unlinkat(dirfd, ".ssh/deploy/web", 0), 0);
	assert_int_equal(unlinkat(dirfd, ".ssh/deploy", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(dirfd, ".ssh", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Above all not exec and logs, whose process is a client's. */
static void
only_what_speaks_to_registries_gets_their_credentials(void **state)
{
	const struct conf_service bare = {.name = (char[]){"web"}, .user = (char[]){"web"}};
	size_t n = 0;
	const struct job_kind *kinds = job_kind_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		auto_secrets struct secrets s = {0};
		bool wanted = str_eq(kinds[i].name, "pull") || str_eq(kinds[i].name, "build");

		assert_int_equal(secrets_of(&facts, &kinds[i], &service, &somebody, &s, NULL), 0);
		assert_int_equal(s.n, wanted ? 1 : 0);
		secrets_done(&s);
		assert_int_equal(secrets_of(&facts, &kinds[i], &bare, &nobody, &s, NULL), 0);
		assert_int_equal(s.n, wanted ? 1 : 0);
		secrets_done(&s);
		assert_int_equal(secrets_of(&facts, &kinds[i], &bare, &somebody, &s, NULL), 0);
		assert_int_equal(secrets_of(&facts, &kinds[i], NULL, &somebody, &s, NULL), 0);
		assert_int_equal(s.n, 0);
	}
}

static size_t
entries_of(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static int
look_inside(const char *dir, const struct secrets *s, struct err *err)
{
	auto_free char *path = str_printf("%s/config.json", dir);
	auto_buf struct buf text = BUF_INIT(4096);
	struct stat st, at;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_errno(err, "cannot make a mount namespace");
	if (secrets_mount(s, dir, UID, GID, err) < 0)
		return -1;
	if (stat(dir, &at) < 0 || stat(path, &st) < 0 || io_read_file(AT_FDCWD, path, &text, err) < 0)
		return -1;
	if ((at.st_mode & 07777) != 0700 || at.st_uid != UID || at.st_gid != GID)
		return err_set(err, EPERM, "the directory is not the account's alone");
	if ((st.st_mode & 07777) != 0600 || st.st_uid != UID || st.st_gid != GID)
		return err_set(err, EPERM, "the file is not the account's alone");
	if (!str_eq(buf_str(&text), buf_str(&s->files[0].data)) || entries_of(dir) != 1)
		return err_set(err, EINVAL, "the file holds something else");
	/* An account that fills it must not fill the machine. */
	for (int i = 0; i < 64; i++) {
		auto_close int fd = openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC);
		static const char block[1024 * 1024];

		if (fd >= 0 && write(fd, block, sizeof(block)) < (ssize_t)sizeof(block))
			return 0;
	}
	return err_set(err, EINVAL, "64 MiB fit into it");
}

static void
nobody_outside_of_the_job_sees_them_and_they_end_with_it(void **state)
{
	char dir[] = "/tmp/pgot-secrets-XXXXXX";
	auto_secrets struct secrets s = {0};
	int status = -1;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(secrets_of(&facts, job_kind_find("pull"), &service, &somebody, &s, NULL), 0);
	pid = fork();
	if (pid == 0) {
		struct err err = ERR_INIT;

		if (look_inside(dir, &s, &err) == 0)
			_exit(0);
		fprintf(stderr, "%s\n", err.msg);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(entries_of(dir), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing is mounted on it */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(docker_finds_user_and_token_where_it_looks_for_them),
	    cmocka_unit_test(the_services_user_stands_for_one_that_is_not_said),
	    cmocka_unit_test(each_job_is_told_where_its_own_are),
	    cmocka_unit_test(a_build_leaves_no_temporary_files),
	    cmocka_unit_test(what_speaks_to_the_repository_gets_the_services_own_deploy_key),
	    cmocka_unit_test(only_what_speaks_to_registries_gets_their_credentials),
	    cmocka_unit_test(nobody_outside_of_the_job_sees_them_and_they_end_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
