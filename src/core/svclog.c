#include "core/svclog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"

static TAILQ_HEAD(, svclog_follower) followers = TAILQ_HEAD_INITIALIZER(followers);

void
svclog_time(int64_t wall_s, char ret[SVCLOG_TIME])
{
	time_t when = (time_t)wall_s;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL || strftime(ret, SVCLOG_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
}

/* The file to add to, behind what is there; the full one makes way for an empty one. No descriptor is kept: a thousand
 * services would have a thousand. */
static int
open_file(const char *service)
{
	auto_free char *dir = str_printf("logs/%s", service);
	auto_free char *path = str_printf("%s/journal", dir);
	auto_free char *old = str_printf("%s/journal.old", dir);
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -1;
	if (stat(path, &st) == 0 && st.st_size >= SVCLOG_MAX && rename(path, old) < 0)
		return -1;
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void
svclog_add(const char *service, int64_t now_s, const char *word, const char *text)
{
	char when[SVCLOG_TIME];
	auto_free char *line = NULL;
	auto_close int fd = open_file(service);
	struct svclog_follower *f;
	struct svclog_follower *next;

	svclog_time(now_s, when);
	line = str_printf("%s %s %s\n", when, word, text);
	if (fd >= 0)
		(void)io_write_all(fd, line, strlen(line), NULL);
	for (f = TAILQ_FIRST(&followers); f != NULL; f = next) {
		next = TAILQ_NEXT(f, entry);
		if (str_eq(f->service, service))
			f->text(f->ctx, line, strlen(line));
	}
}

int
svclog_read(const char *service, struct buf *ret, struct err *err)
{
	static const char *const names[] = {"journal.old", "journal"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *path = str_printf("logs/%s/%s", service, names[i]);
		auto_buf struct buf text = BUF_INIT(2 * SVCLOG_MAX);
		int rc = io_read_file(AT_FDCWD, path, &text, err);

		if (rc < 0 && rc != -ENOENT)
			return err_wrap(err, "the journal of %s", service);
		if (rc >= 0)
			buf_add(ret, buf_str(&text), text.len);
	}
	return 0;
}

void
svclog_follow(struct svclog_follower *f)
{
	f->listed = true;
	TAILQ_INSERT_TAIL(&followers, f, entry);
}

void
svclog_unfollow(struct svclog_follower *f)
{
	if (f->listed)
		TAILQ_REMOVE(&followers, f, entry);
	f->listed = false;
}
