/* Pins as mounts, in a private mount namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "supervisor/pin.h"

#define NAME_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

enum { SWAPS = 1000 };

static char root[64];
static struct err err;

static char *at(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A path in the test's directory. */
static char *
at(const char *format, ...)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];
	int n = snprintf(path, 512, "%s/", root);
	va_list ap;

	va_start(ap, format);
	vsnprintf(path + n, 512 - (size_t)n, format, ap);
	va_end(ap);
	return path;
}

static void
write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* A file's content, "" when it cannot be read. */
static const char *
read_file(const char *path)
{
	static char text[256];
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

enum { KEEP = 0, FRESH = 1, EXACT = 2 };

/* Pins "site" as told by name, source, …, NULL. */
static int
pin(int how, ...)
{
	auto_free char *dir = str_dup(at("lib"));
	auto_free char *data = str_dup(at("data"));
	auto_free char *run = str_dup(at("run"));
	auto_pin_set struct pin_set set = {0};
	const char *name, *source;
	va_list ap;

	va_start(ap, how);
	while ((name = va_arg(ap, const char *)) != NULL && (source = va_arg(ap, const char *)) != NULL)
		assert_true(pin_set_add(&set, name, source));
	va_end(ap);
	err = (struct err)ERR_INIT;
	return pin_apply(&(struct pin_order){.run = run,
			     .dir = dir,
			     .datadir = data,
			     .service = "site",
			     .pins = &set,
			     .fresh = (how & FRESH) != 0,
			     .exact = (how & EXACT) != 0},
	    &err);
}

/* What a pin shows at path below it. */
static const char *
shown(const char *name, const char *path)
{
	auto_free char *pins = pin_dir(at("run"), at("lib"));
	auto_free char *full = pin_path(pins, "site", name);
	auto_free char *file = str_printf("%s%s", full, path);

	return read_file(file);
}

static bool
pinned(const char *name)
{
	auto_free char *pins = pin_dir(at("run"), at("lib"));
	auto_free char *path = pin_path(pins, "site", name);

	return access(path, F_OK) == 0;
}

/* Lines of mountinfo with the text, of this test: others may run at the same time. */
static int
mounts(const char *text)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, root) != NULL && strstr(line, text) != NULL;
	fclose(f);
	return n;
}

static int
setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/pgo-pin.XXXXXX");
	assert_non_null(mkdtemp(root));
	for (const char *const *d = (const char *const[]){"lib", "lib/site", "lib/site/www", "data", "data/site", NULL};
	     *d != NULL; d++)
		assert_int_equal(mkdir(at("%s", *d), 0755), 0);
	write_file(at("lib/site/www/page"), "one");
	write_file(at("lib/site/conf"), "first");
	write_file(at("secret"), "of the host");
	return 0;
}

static int
teardown(void **state)
{
	auto_free char *command = str_printf("rm -rf --one-file-system %s", root);

	(void)state;
	assert_int_equal(chdir("/"), 0);
	while (umount2(at("run/pins"), MNT_DETACH) == 0)
		continue;
	return system(command); // NOLINT: the test's own directory
}

static void
a_directory_and_a_file_are_pinned_where_only_root_comes(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/page"), "one");
	assert_string_equal(shown(NAME_B, ""), "first");
	assert_int_equal(stat(at("run/pins"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(mounts(at("run/pins ")), 1);
	assert_int_equal(mounts("/src "), 2);
	/* A second time nothing is done. */
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_int_equal(pin(FRESH, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_int_equal(mounts("/src "), 2);
	assert_int_equal(mounts(at("run/pins ")), 1);
}

static void
the_whole_tree_of_a_service_is_pinned(void **state)
{
	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site"), NAME_B, at("data/site"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/www/page"), "one");
}

static void
a_swap_after_the_pin_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), 0);
	assert_int_equal(rename(at("lib/site/www"), at("lib/site/old")), 0);
	assert_int_equal(symlink(root, at("lib/site/www")), 0);
	assert_string_equal(shown(NAME_A, "/page"), "one");
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/page"), "one");
	assert_int_equal(pin(FRESH, NAME_A, at("lib/site/www"), NULL), -ELOOP);
	assert_non_null(strstr(err.msg, "symbolic link"));
	assert_non_null(strstr(err.msg, "lib/site/www"));
	assert_string_equal(shown(NAME_A, "/page"), "one");
}

static void
a_symbolic_link_is_never_followed(void **state)
{
	(void)state;
	assert_int_equal(symlink(at("secret"), at("lib/site/last")), 0);
	assert_int_equal(symlink(root, at("lib/site/above")), 0);
	assert_int_equal(symlink("www", at("lib/site/inside")), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/last"), NULL), -ELOOP);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/above/secret"), NULL), -ELOOP);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/inside/page"), NULL), -ELOOP);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/missing"), NULL), -ENOENT);
	assert_false(pinned(NAME_A));
	assert_int_equal(unlink(at("lib/site/www/page")), 0);
	assert_int_equal(rename(at("lib/site"), at("lib/other")), 0);
	assert_int_equal(symlink("other", at("lib/site")), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), -ELOOP);
}

static void
what_is_not_the_services_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("lib/other"), 0755), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/other"), NULL), -EPERM);
	assert_int_equal(pin(KEEP, NAME_A, at("lib"), NULL), -EPERM);
	assert_int_equal(pin(KEEP, NAME_A, "/etc", NULL), -EPERM);
	assert_false(pinned(NAME_A));
}

static void
a_source_that_moved_is_left_only_when_it_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_int_equal(rename(at("lib/site/www"), at("lib/site/old")), 0);
	assert_int_equal(rename(at("lib/site/conf"), at("lib/site/backup")), 0);
	assert_int_equal(mkdir(at("lib/site/www"), 0755), 0);
	write_file(at("lib/site/www/page"), "two");
	write_file(at("lib/site/conf"), "second");
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/page"), "one");
	assert_string_equal(shown(NAME_B, ""), "first");
	assert_int_equal(pin(FRESH, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/page"), "two");
	assert_string_equal(shown(NAME_B, ""), "second");
	assert_int_equal(mounts("/src "), 2);
}

/* As the engine does it at the start of a container. */
static bool
can_be_mounted(const char *name, const char *text)
{
	auto_free char *pins = pin_dir(at("run"), at("lib"));
	auto_free char *path = pin_path(pins, "site", name);
	bool shows;

	write_file(at("point"), "");
	if (mount(path, at("point"), NULL, MS_BIND, NULL) < 0)
		return false;
	shows = str_eq(read_file(at("point")), text);
	assert_int_equal(umount2(at("point"), 0), 0);
	return shows;
}

static int
links(void)
{
	auto_free char *command = str_printf("exit $(ls %s/*/.pins/site/* 2>/dev/null | wc -w)", root);
	int status = system(command); // NOLINT: the test's own directory

	return WEXITSTATUS(status);
}

static void
a_replaced_file_is_held_where_nobody_can_mount_it(void **state)
{
	(void)state;
	write_file(at("data/site/conf"), "first");
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NAME_B, at("data/site/conf"), NULL), 0);
	assert_int_equal(links(), 2);
	for (int i = 0; i < 2; i++) {
		write_file(at("new"), "second");
		assert_int_equal(rename(at("new"), at("%s/site/conf", i == 0 ? "lib" : "data")), 0);
		assert_true(can_be_mounted(i == 0 ? NAME_A : NAME_B, "first"));
	}
	/* The next who looks takes what is there now; of the other one nothing is left. */
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NAME_B, at("data/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "second"));
	assert_true(can_be_mounted(NAME_B, "second"));
	assert_int_equal(links(), 2);
	assert_int_equal(pin(EXACT, NULL), 0);
	assert_int_equal(links(), 0);
	assert_int_equal(access(at("lib/.pins/site"), F_OK), -1);
}

static void
what_takes_a_files_place_and_may_not_be_mounted_takes_the_file_away(void **state)
{
	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NULL), 0);
	assert_int_equal(unlink(at("lib/site/conf")), 0);
	assert_int_equal(pin(KEEP | EXACT, NAME_A, at("lib/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "first"));
	assert_int_equal(symlink(at("secret"), at("lib/site/conf")), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "first"));
	assert_int_equal(pin(FRESH, NAME_A, at("lib/site/conf"), NULL), -ELOOP);
	assert_true(can_be_mounted(NAME_A, "first"));
}

static void
a_replaced_file_with_another_name_is_held_where_nobody_can_mount_it(void **state)
{
	(void)state;
	assert_int_equal(link(at("lib/site/conf"), at("lib/site/backup")), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NULL), 0);
	write_file(at("lib/site/new"), "second");
	assert_int_equal(rename(at("lib/site/new"), at("lib/site/conf")), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "first"));
	assert_int_equal(pin(FRESH, NAME_A, at("lib/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "second"));
	/* The same inode, by another name. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(unlink(at("lib/site/conf")), 0);
		assert_int_equal(link(at("lib/site/backup"), at("lib/site/conf")), 0);
		assert_int_equal(pin(FRESH, NAME_A, at("lib/site/conf"), NULL), 0);
		assert_true(can_be_mounted(NAME_A, "first"));
	}
	assert_int_equal(mounts("/src "), 1);
	assert_int_equal(links(), 1);
}

/* Such as a share: there the file has its own name alone, and is pinned anew when that is gone. */
static void
a_file_that_cannot_be_linked_is_not_pinned(void **state)
{
	(void)state;
	assert_int_equal(mount("none", at("data/site"), "tmpfs", 0, NULL), 0);
	write_file(at("data/site/conf"), "first");
	assert_int_equal(pin(KEEP, NAME_A, at("data/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "first"));
	assert_int_equal(links(), 0);
	write_file(at("data/site/new"), "second");
	assert_int_equal(rename(at("data/site/new"), at("data/site/conf")), 0);
	assert_false(can_be_mounted(NAME_A, "first"));
	assert_int_equal(pin(KEEP, NAME_A, at("data/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "second"));
	assert_int_equal(pin(EXACT, NULL), 0);
	assert_int_equal(umount2(at("data/site"), MNT_DETACH), 0);
}

/* Who may write in the data directory has made the place for the links before. */
static void
a_directory_of_somebody_elses_holds_no_links(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("lib/.pins"), 0755), 0);
	assert_int_equal(chown(at("lib/.pins"), 65534, 65534), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "first"));
	assert_int_equal(links(), 0);
	assert_int_equal(rmdir(at("lib/.pins")), 0);
	assert_int_equal(symlink("/tmp", at("lib/.pins")), 0);
	assert_int_equal(pin(FRESH, NAME_A, at("lib/site/conf"), NULL), 0);
	assert_int_equal(access("/tmp/site", F_OK), -1);
}

/* A reboot, or a kill between a link and its mount. */
static void
a_link_that_nothing_is_mounted_by_stays(void **state)
{
	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NAME_B, at("lib/site/www"), NULL), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(umount2(at("run/pins"), MNT_DETACH), 0);
	assert_int_equal(link(at("lib/site/www/page"), at("lib/.pins/site/" NAME_B "-1")), 0);
	write_file(at("lib/site/new"), "second");
	assert_int_equal(rename(at("lib/site/new"), at("lib/site/conf")), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/conf"), NAME_B, at("lib/site/www"), NULL), 0);
	assert_true(can_be_mounted(NAME_A, "second"));
	assert_int_equal(links(), 1);
}

static void
what_was_deleted_is_not_held_for_ever(void **state)
{
	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_int_equal(unlink(at("lib/site/www/page")), 0);
	assert_int_equal(rmdir(at("lib/site/www")), 0);
	assert_int_equal(mkdir(at("lib/site/www"), 0755), 0);
	write_file(at("lib/site/www/page"), "again");
	assert_int_equal(unlink(at("lib/site/conf")), 0);
	write_file(at("lib/site/conf"), "anew");
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/page"), "again");
	assert_string_equal(shown(NAME_B, ""), "anew");
}

static void
a_pin_whose_mount_went_away_comes_back(void **state)
{
	auto_free char *pins = NULL;
	auto_free char *path = NULL;

	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), 0);
	pins = pin_dir(at("run"), at("lib"));
	path = pin_path(pins, "site", NAME_A);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_string_equal(shown(NAME_A, "/page"), "");
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/page"), "one");
	/* All of it, as after a reboot: nothing is left that could pass for the pin. */
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(umount2(at("run/pins"), MNT_DETACH), 0);
	assert_false(pinned(NAME_A));
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/page"), "one");
}

static void
an_interrupted_order_is_cleared_up(void **state)
{
	auto_free char *pins = pin_dir(at("run"), at("lib"));
	auto_free char *half = str_printf("%s/site/.new", pins);
	auto_free char *src = str_printf("%s/src", half);

	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), 0);
	assert_int_equal(mkdir(half, 0700), 0);
	assert_int_equal(mkdir(src, 0700), 0);
	assert_int_equal(mount(at("data"), src, NULL, MS_BIND, NULL), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), 0);
	assert_int_equal(access(half, F_OK), -1);
	assert_int_equal(mounts("/src "), 1);
}

static void
an_exact_order_leaves_no_others(void **state)
{
	auto_free char *pins = pin_dir(at("run"), at("lib"));

	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_int_equal(pin(KEEP, NAME_B, at("lib/site/conf"), NULL), 0);
	assert_true(pinned(NAME_A));
	assert_int_equal(pin(EXACT, NAME_B, at("lib/site/conf"), NULL), 0);
	assert_false(pinned(NAME_A));
	assert_string_equal(shown(NAME_B, ""), "first");
	assert_int_equal(pin(EXACT, NULL), 0);
	assert_int_equal(access(at("lib/site/conf"), F_OK), 0);
	assert_int_equal(mounts("/src "), 0);
	assert_int_equal(rmdir(pins), 0);
}

static void
a_share_below_the_data_is_in_the_pin_and_survives_its_end(void **state)
{
	(void)state;
	assert_int_equal(mount(at("data"), at("data"), NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, at("data"), NULL, MS_SHARED, NULL), 0);
	assert_int_equal(mkdir(at("data/site/before"), 0755), 0);
	assert_int_equal(mkdir(at("data/site/after"), 0755), 0);
	assert_int_equal(mount("t", at("data/site/before"), "tmpfs", 0, NULL), 0);
	write_file(at("data/site/before/f"), "share");
	assert_int_equal(pin(KEEP, NAME_A, at("data/site"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/before/f"), "share");
	assert_int_equal(mount("t", at("data/site/after"), "tmpfs", 0, NULL), 0);
	write_file(at("data/site/after/f"), "later");
	assert_string_equal(shown(NAME_A, "/after/f"), "later");
	assert_int_equal(pin(EXACT, NULL), 0);
	assert_string_equal(read_file(at("data/site/before/f")), "share");
	assert_string_equal(read_file(at("data/site/after/f")), "later");
	assert_int_equal(umount2(at("data"), MNT_DETACH), 0);
}

static void
a_mount_over_the_source_is_another_source(void **state)
{
	(void)state;
	assert_int_equal(pin(KEEP, NAME_A, at("data/site"), NULL), 0);
	assert_int_equal(mount("t", at("data/site"), "tmpfs", 0, NULL), 0);
	write_file(at("data/site/f"), "share");
	assert_int_equal(pin(FRESH, NAME_A, at("data/site"), NULL), 0);
	assert_string_equal(shown(NAME_A, "/f"), "share");
	assert_int_equal(pin(EXACT, NULL), 0);
	assert_int_equal(umount2(at("data/site"), MNT_DETACH), 0);
}

/* In a namespace that was made from ours when <run>/pins stood already, as an engine's: 0 when it sees the pins. */
static int
engine_sees(int go)
{
	char byte;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return 2;
	if (write(go, "", 1) != 1 || read(go, &byte, 1) != 1)
		return 3;
	return str_eq(shown(NAME_A, "/page"), "one") && str_eq(shown(NAME_B, ""), "first") ? 0 : 1;
}

static void
an_engine_in_another_namespace_sees_them(void **state)
{
	int wstatus = 0;
	int pair[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pin(EXACT, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		_exit(engine_sees(pair[1]));
	assert_int_equal(read(pair[0], &byte, 1), 1);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NAME_B, at("lib/site/conf"), NULL), 0);
	assert_int_equal(write(pair[0], "", 1), 1);
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	assert_int_equal(wstatus, 0);
	close(pair[0]);
	close(pair[1]);
}

/* A container with the directory above: a link to the host's files in the place of the source, and back, for ever. */
static pid_t
swapper(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		renameat2(AT_FDCWD, at("lib/site/conf"), AT_FDCWD, at("lib/site/evil"), RENAME_EXCHANGE);
}

static void
a_race_for_the_source_is_never_won(void **state)
{
	int refused = 0, held = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(symlink(at("secret"), at("lib/site/evil")), 0);
	pid = swapper();
	for (int i = 0; i < SWAPS; i++) {
		if (pin(FRESH | EXACT, NAME_A, at("lib/site/conf"), NULL) < 0)
			refused++;
		else
			held++;
		if (pinned(NAME_A))
			assert_string_equal(shown(NAME_A, ""), "first");
		assert_int_equal(pin(EXACT, NULL), 0);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* It was a race. */
	assert_true(refused > 0 && held > 0);
}

static void
others_may_not_write_where_the_pins_are(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("run"), 0777), 0);
	assert_int_equal(chmod(at("run"), 0777), 0);
	assert_int_equal(pin(KEEP, NAME_A, at("lib/site/www"), NULL), -EPERM);
	assert_non_null(strstr(err.msg, "chmod go-w"));
}

static void
each_directory_has_pins_of_its_own(void **state)
{
	static const char *const cases[][2] = {
	    {"/var/lib/pgo", "/run/pgo/pins/var-lib-pgo"},
	    {"/var/lib-pgo", "/run/pgo/pins/var-lib_2dpgo"},
	    {"/a_b/\303\244$", "/run/pgo/pins/a_5fb-_c3_a4_24"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *dir = pin_dir("/run/pgo", cases[i][0]);

		assert_string_equal(dir, cases[i][1]);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_directory_and_a_file_are_pinned_where_only_root_comes),
	    T(the_whole_tree_of_a_service_is_pinned),
	    T(a_swap_after_the_pin_changes_nothing),
	    T(a_symbolic_link_is_never_followed),
	    T(what_is_not_the_services_is_refused),
	    T(a_source_that_moved_is_left_only_when_it_is_asked_for),
	    T(a_replaced_file_is_held_where_nobody_can_mount_it),
	    T(what_takes_a_files_place_and_may_not_be_mounted_takes_the_file_away),
	    T(a_file_that_cannot_be_linked_is_not_pinned),
	    T(a_directory_of_somebody_elses_holds_no_links),
	    T(a_link_that_nothing_is_mounted_by_stays),
	    T(a_replaced_file_with_another_name_is_held_where_nobody_can_mount_it),
	    T(what_was_deleted_is_not_held_for_ever),
	    T(a_pin_whose_mount_went_away_comes_back),
	    T(an_interrupted_order_is_cleared_up),
	    T(an_exact_order_leaves_no_others),
	    T(a_share_below_the_data_is_in_the_pin_and_survives_its_end),
	    T(a_mount_over_the_source_is_another_source),
	    T(an_engine_in_another_namespace_sees_them),
	    T(a_race_for_the_source_is_never_won),
	    T(others_may_not_write_where_the_pins_are),
	    T(each_directory_has_pins_of_its_own),
	};

	/* Never a skip: without root there is nothing to test. */
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("a mount namespace");
		return 1;
	}
	return cmocka_run_group_tests_name("supervisor pin", tests, NULL, NULL);
}
