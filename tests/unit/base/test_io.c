#include "fixture.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/io.h"

struct dir {
	char path[32];
	int fd;
};

static int
setup(void **state)
{
	static struct dir d;

	snprintf(d.path, sizeof(d.path), "/tmp/pgo-test-io-XXXXXX");
	if (mkdtemp(d.path) == NULL)
		return -1;
	d.fd = open(d.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = &d;
	return d.fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"file", "fifo", "link"};
	struct dir *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(d->fd, names[i], 0);
	unlinkat(d->fd, "dir", AT_REMOVEDIR);
	close(d->fd);
	return rmdir(d->path);
}

static void
write_file(const struct dir *d, const char *text)
{
	auto_close int fd = openat(d->fd, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text), NULL), 0);
}

static void
a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_an_error(void **state)
{
	const struct dir *d = *state;
	auto_buf struct buf b = BUF_INIT(5);
	struct err err = ERR_INIT;

	write_file(d, "12345");
	assert_int_equal(io_read_file(d->fd, "file", &b, &err), 0);
	assert_string_equal(buf_str(&b), "12345");
	buf_reset(&b);
	write_file(d, "123456");
	assert_int_equal(io_read_file(d->fd, "file", &b, &err), -EFBIG);
	assert_string_equal(err.msg, "cannot read file: more than 5 bytes");
}

static void
a_file_is_read_over_many_chunks(void **state)
{
	const struct dir *d = *state;
	auto_buf struct buf b = BUF_INIT(200000);
	auto_free char *big = malloc(100001);

	memset(big, 'x', 100000);
	big[100000] = '\0';
	write_file(d, big);
	assert_int_equal(io_read_file(d->fd, "file", &b, NULL), 0);
	assert_int_equal(b.len, 100000);
}

static void
what_is_not_a_regular_file_is_refused_without_waiting(void **state)
{
	const struct dir *d = *state;
	auto_buf struct buf b = BUF_INIT(100);
	struct err err = ERR_INIT;

	write_file(d, "x");
	assert_int_equal(mkfifoat(d->fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(d->fd, "dir", 0700), 0);
	assert_int_equal(symlinkat("file", d->fd, "link"), 0);
	assert_int_equal(io_read_file(d->fd, "fifo", &b, &err), -EINVAL);
	assert_int_equal(io_read_file(d->fd, "dir", &b, &err), -EISDIR);
	assert_int_equal(io_read_file(d->fd, "link", &b, &err), -ELOOP);
	assert_int_equal(io_read_file(d->fd, "none", &b, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot open none: No such file or directory");
}

static void
a_stream_is_read_to_its_end(void **state)
{
	auto_buf struct buf b = BUF_INIT(10);
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(io_write_all(fds[1], "abc", 3, NULL), 0);
	close(fds[1]);
	buf_str_add(&b, "old ");
	assert_int_equal(io_read_all(fds[0], &b, NULL), 0);
	assert_string_equal(buf_str(&b), "old abc");
	close(fds[0]);
	assert_int_equal(io_read_all(fds[0], &b, NULL), -EBADF);
	assert_int_equal(io_write_all(fds[1], "x", 1, NULL), -EBADF);
}

static void
a_memory_file_cannot_be_changed_any_more(void **state)
{
	auto_close int fd = io_memfd("test", "hello", 5, NULL);
	auto_buf struct buf b = BUF_INIT(5);

	(void)state;
	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), -1);
	assert_int_equal(io_memfd_read(fd, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "hello");
}

static void
where_the_peer_left_the_offset_does_not_matter(void **state)
{
	auto_close int fd = io_memfd("test", "hello", 5, NULL);
	auto_buf struct buf b = BUF_INIT(5);

	(void)state;
	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	assert_int_equal(io_memfd_read(fd, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "hello");
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 4);
}

static void
an_empty_memory_file_is_fine(void **state)
{
	auto_close int fd = io_memfd("test", NULL, 0, NULL);
	auto_buf struct buf b = BUF_INIT(0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(io_memfd_read(fd, &b, NULL), 0);
	assert_int_equal(b.len, 0);
}

static void
an_unsealed_or_half_sealed_memory_file_is_refused(void **state)
{
	static const int seals[] = {0, F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW | F_SEAL_SEAL};
	auto_buf struct buf b = BUF_INIT(10);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(seals); i++) {
		auto_close int fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);

		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		assert_int_equal(io_memfd_read(fd, &b, NULL), -EINVAL);
	}
	assert_int_equal(b.len, 0);
}

static void
what_a_peer_sends_instead_of_a_memory_file_is_refused(void **state)
{
	const struct dir *d = *state;
	auto_buf struct buf b = BUF_INIT(10);
	auto_close int file = -1;
	auto_close int big = io_memfd("t", "12345678901", 11, NULL);
	int fds[2];

	write_file(d, "x");
	file = openat(d->fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_memfd_read(file, &b, NULL), -EINVAL);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(io_memfd_read(fds[0], &b, NULL), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(io_memfd_read(fds[0], &b, NULL), -EINVAL);
	assert_int_equal(io_memfd_read(big, &b, NULL), -EFBIG);
}

static void
blocking_is_switched_on_and_off(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(io_set_nonblock(fds[0], true), 0);
	assert_true((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_int_equal(io_set_nonblock(fds[0], false), 0);
	assert_true((fcntl(fds[0], F_GETFL) & O_NONBLOCK) == 0);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(io_set_nonblock(fds[0], true), -EBADF);
}

static void
the_clocks_are_in_milliseconds(void **state)
{
	long long before_ms = io_now_ms(), wall_ms = io_wall_ms();

	(void)state;
	assert_true(before_ms > 0 && io_now_ms() >= before_ms);
	assert_in_range(wall_ms / 1000, time(NULL) - 2, time(NULL) + 2);
}

#define DIR_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    DIR_TEST(a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_an_error),
	    DIR_TEST(a_file_is_read_over_many_chunks),
	    DIR_TEST(what_is_not_a_regular_file_is_refused_without_waiting),
	    cmocka_unit_test(a_stream_is_read_to_its_end),
	    cmocka_unit_test(a_memory_file_cannot_be_changed_any_more),
	    cmocka_unit_test(where_the_peer_left_the_offset_does_not_matter),
	    cmocka_unit_test(an_empty_memory_file_is_fine),
	    cmocka_unit_test(an_unsealed_or_half_sealed_memory_file_is_refused),
	    DIR_TEST(what_a_peer_sends_instead_of_a_memory_file_is_refused),
	    cmocka_unit_test(blocking_is_switched_on_and_off),
	    cmocka_unit_test(the_clocks_are_in_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
