/* The real pgod, asked for pins by a core that the test plays itself. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "ipc/pins.h"

#define NAME "0123456789abcdef0123456789abcdef"

/* Sends these bytes as a set; sealed or not. */
static void
send_set(long long id, const char *service, bool exact, const void *data, size_t len)
{
	auto_close int fd = io_memfd("pins", data, len, NULL);
	json_t *body =
	    msg_new("pin", "sIsssbsb", "id", (json_int_t)id, "service", service, "fresh", false, "exact", exact);

	assert_true(fd >= 0);
	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, &fd, 1, NULL), 0);
	json_decref(body);
}

static void
order(long long id, const char *service, const char *source)
{
	auto_pin_set struct pin_set set = {0};
	auto_buf struct buf text = BUF_INIT(PIN_SET_BYTES);

	if (source != NULL)
		assert_true(pin_set_add(&set, NAME, source));
	pin_set_pack(&set, &text);
	send_set(id, service, source == NULL, buf_str(&text), text.len);
}

/* The next answer: its id, its error into a static buffer. */
static long long
answer(const char **ret_error)
{
	static char error[ERR_MSG_MAX];
	auto_msg struct msg m = MSG_INIT;

	expect(&fx, "pinned", &m);
	snprintf(error, sizeof(error), "%s", msg_str(&m, "error"));
	*ret_error = error;
	return msg_int(&m, "id");
}

static char *
pins_of(const char *service)
{
	static char path[512];
	const char *dir = strrchr(fx.root, '.') + 1;

	snprintf(path, sizeof(path), "%s/run/pins/tmp-pgo_2dsup.%s-var/%s", fx.root, dir, service);
	return path;
}

static void
begin(void)
{
	auto_msg struct msg m = MSG_INIT;

	start_up();
	expect(&fx, "service", &m);
	mkdir(at(&fx, "var/web/www"), 0755);
	mkdir(at(&fx, "data/db"), 0755);
}

static void
end(void)
{
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_pin_is_made_and_taken_away(void **state)
{
	const char *error;
	struct stat st, pin;
	auto_free char *path = NULL;

	(void)state;
	begin();
	path = str_printf("%s/%s/src", pins_of("web"), NAME);
	order(1, "web", at(&fx, "var/web/www"));
	assert_int_equal(answer(&error), 1);
	assert_string_equal(error, "");
	assert_int_equal(stat(at(&fx, "var/web/www"), &st), 0);
	assert_int_equal(stat(path, &pin), 0);
	assert_true(st.st_ino == pin.st_ino && st.st_dev == pin.st_dev);
	order(2, "web", NULL);
	assert_int_equal(answer(&error), 2);
	assert_string_equal(error, "");
	assert_int_equal(access(pins_of("web"), F_OK), -1);
	end();
}

static void
a_pin_that_cannot_be_made_is_refused_in_a_sentence(void **state)
{
	const char *error;

	(void)state;
	begin();
	order(1, "web", at(&fx, "var/web/missing"));
	assert_int_equal(answer(&error), 1);
	assert_non_null(strstr(error, "cannot pin "));
	assert_non_null(strstr(error, "var/web/missing"));
	assert_non_null(strstr(error, "No such file"));
	order(2, "web", at(&fx, "var/db"));
	assert_int_equal(answer(&error), 2);
	assert_non_null(strstr(error, "in none of the service's directories"));
	end();
}

static void
a_core_that_asks_for_what_is_no_set_is_dropped(void **state)
{
	static const char *const bad[] = {"..", NAME, NAME "\n/etc"};

	(void)state;
	for (size_t i = 0; i < 1 + ARRAY_LEN(bad); i++) {
		begin();
		if (i == 0)
			order(1, "nobodys", at(&fx, "var/web/www"));
		else
			send_set(1, "web", false, bad[i - 1], strlen(bad[i - 1]));
		log_wait(&fx, "dropping core");
		core_drop(&fx);
		core_attach(&fx, true);
		end();
	}
}

static void
a_removed_service_loses_its_pins(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	const char *error;
	long long until;
	json_t *body;

	(void)state;
	begin();
	order(1, "db", at(&fx, "data/db"));
	assert_int_equal(answer(&error), 1);
	assert_string_equal(error, "");
	end();
	write_file(fx.config, "[[services]]\nname = \"web\"\nuser = \"alice\"\nrepository = \"/r\"\n", 0600);
	start_up();
	assert_int_equal(access(pins_of("db"), F_OK), 0);
	body = msg_new("retire", "ss", "service", "db");
	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, NULL, 0, NULL), 0);
	json_decref(body);
	expect(&fx, "retired", &m);
	assert_string_equal(msg_str(&m, "error"), "");
	for (until = io_now_ms() + WAIT_MS; access(pins_of("db"), F_OK) == 0; poll(NULL, 0, 5))
		assert_true(io_now_ms() < until);
	end();
}

/* The lock of the service's pins stands for a file system that does not answer. */
static void
a_file_system_that_hangs_holds_up_its_own_service_only(void **state)
{
	const char *slow = fx.program;
	const char *error;
	auto_close int lock = -1;
	long long until;

	(void)state;
	fx.program = fx.fast_program;
	begin();
	fx.program = slow;
	order(1, "web", at(&fx, "var/web/www"));
	assert_int_equal(answer(&error), 1);
	assert_string_equal(error, "");
	lock = open(pins_of("web"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	order(2, "web", at(&fx, "var/web/www"));
	order(3, "web", at(&fx, "var/web/www"));
	order(4, "db", at(&fx, "data/db"));
	assert_int_equal(answer(&error), 4);
	assert_string_equal(error, "");
	assert_int_equal(answer(&error), 2);
	assert_non_null(strstr(error, "not at hand after 20 s"));
	assert_int_equal(answer(&error), 3);
	assert_non_null(strstr(error, "still hangs"));
	flock(lock, LOCK_UN);
	/* It ends when the kernel has ended it. */
	until = io_now_ms() + WAIT_MS;
	for (long long id = 5; error[0] != '\0'; id++) {
		assert_true(io_now_ms() < until);
		order(id, "web", at(&fx, "var/web/www"));
		assert_int_equal(answer(&error), id);
	}
	end();
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T(a_pin_is_made_and_taken_away),
	    T(a_pin_that_cannot_be_made_is_refused_in_a_sentence),
	    T(a_core_that_asks_for_what_is_no_set_is_dropped),
	    T(a_removed_service_loses_its_pins),
	    T(a_file_system_that_hangs_holds_up_its_own_service_only),
	};
	int failed;

	if (argc != 6)
		return 2;
	fixture_init(&fx, argv);
	failed = cmocka_run_group_tests_name("supervisor pins", tests, NULL, NULL);
	fixture_done(&fx);
	return failed;
}
