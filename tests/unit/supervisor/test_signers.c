/* The file of allowed signers is believed only where nobody but root can have written it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "supervisor/signers.h"

static char dir[] = "/tmp/pgo-signers.XXXXXX";
static char path[sizeof(dir) + 16];

enum { NOBODY = 65534 };

static int
setup(void **state)
{
	int fd;

	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/signers", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	dprintf(fd, "tess ssh-ed25519 AAAA\n");
	return close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
refused(const char *name, const char *why)
{
	struct err err = ERR_INIT;

	assert_true(signers_open(name, &err) < 0);
	if (strstr(err.msg, why) == NULL)
		fail_msg("not \"%s\" but \"%s\"", why, err.msg);
	assert_true(str_starts(err.msg, "signers: "));
}

static void
a_file_of_roots_is_copied_and_the_copy_cannot_be_changed(void **state)
{
	auto_buf struct buf text = BUF_INIT(1024);
	struct err err = ERR_INIT;
	auto_close int fd = signers_open(path, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(io_memfd_read(fd, &text, &err), 0);
	assert_string_equal(buf_str(&text), "tess ssh-ed25519 AAAA\n");
}

static void
a_file_that_others_can_write_is_refused(void **state)
{
	(void)state;
	chmod(path, 0620);
	refused(path, "others than root can write to ");
	chmod(path, 0602);
	refused(path, "others than root can write to ");
	chmod(path, 0600);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	refused(path, "does not belong to root");
}

static void
a_directory_that_others_can_write_is_refused(void **state)
{
	struct err err = ERR_INIT;
	auto_close int fd = -1;

	(void)state;
	chmod(dir, 0777);
	refused(path, dir);
	chmod(dir, 01777);
	fd = signers_open(path, &err);
	assert_true(fd >= 0);
	assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	refused(path, "does not belong to root");
}

static void
what_is_no_regular_file_is_refused_at_once(void **state)
{
	(void)state;
	refused(dir, "is not a regular file");
	unlink(path);
	refused(path, "No such file");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, "is not a regular file");
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	refused(path, "cannot open ");
	refused("signers", "not a clean absolute path");
}

static void
a_file_without_end_is_refused(void **state)
{
	(void)state;
	assert_int_equal(truncate(path, SIGNERS_MAX_BYTES + 1), 0);
	refused(path, path);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_file_of_roots_is_copied_and_the_copy_cannot_be_changed),
	    TEST(a_file_that_others_can_write_is_refused),
	    TEST(a_directory_that_others_can_write_is_refused),
	    TEST(what_is_no_regular_file_is_refused_at_once),
	    TEST(a_file_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
