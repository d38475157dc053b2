#include "core/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"
#include "core/store.h"

struct journal {
	char *path;
	int fd; /* -1: nothing is kept (any more) */
	size_t len;
	TAILQ_HEAD(, journal_follower) followers;
};

static void
stop_keeping(struct journal *j, const char *why)
{
	log_warn("the log of the deploy is not kept any further: %s path=%s", why, j->path);
	close(j->fd);
	j->fd = -1;
}

struct journal *
journal_new(const char *service, int64_t deploy)
{
	struct journal *j = calloc(1, sizeof(*j));
	auto_free char *dir = str_printf("logs/%s", service);

	if (j == NULL)
		abort();
	TAILQ_INIT(&j->followers);
	j->path = store_log_path(service, deploy);
	j->fd = -1;
	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		j->fd = open(j->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (j->fd < 0)
		log_warn("the log of the deploy is not kept: %s path=%s", strerror(errno), j->path);
	return j;
}

static void
keep(struct journal *j, const char *data, size_t len)
{
	static const char full[] = "\nThe log is full; what follows is not kept.\n";
	size_t fits = JOURNAL_MAX - sizeof(full) - j->len;
	struct err err = ERR_INIT;
	int rc = io_write_all(j->fd, data, len < fits ? len : fits, &err);

	j->len += len;
	if (rc >= 0 && len > fits)
		rc = io_write_all(j->fd, full, sizeof(full) - 1, &err);
	if (rc < 0 || len > fits)
		stop_keeping(j, rc < 0 ? err.msg : "it is full");
}

static void
tell(struct journal *j, const char *data, size_t len, bool note)
{
	struct journal_follower *f;
	struct journal_follower *next;

	if (j->fd >= 0)
		keep(j, data, len);
	for (f = TAILQ_FIRST(&j->followers); f != NULL; f = next) {
		next = TAILQ_NEXT(f, entry);
		(note && f->note != NULL ? f->note : f->text)(f->ctx, data, len);
	}
}

void
journal_write(struct journal *j, const char *data, size_t len)
{
	tell(j, data, len, false);
}

void
journal_note(struct journal *j, const char *data, size_t len)
{
	tell(j, data, len, true);
}

void
journal_end(struct journal *j)
{
	struct journal_follower *f;

	if (j == NULL)
		return;
	while ((f = TAILQ_FIRST(&j->followers)) != NULL) {
		journal_unfollow(f);
		f->end(f->ctx);
	}
	if (j->fd >= 0)
		close(j->fd);
	free(j->path);
	free(j);
}

static int
read_path(const char *path, struct buf *ret, struct err *err)
{
	int rc = io_read_file(AT_FDCWD, path, ret, err);

	return rc < 0 ? err_wrap(err, "the log of the deploy") : rc;
}

void
journal_follow(struct journal *j, struct journal_follower *f)
{
	auto_buf struct buf text = BUF_INIT(2 * JOURNAL_MAX);
	struct err err = ERR_INIT;

	f->journal = j;
	TAILQ_INSERT_TAIL(&j->followers, f, entry);
	if (read_path(j->path, &text, &err) >= 0)
		f->text(f->ctx, buf_str(&text), text.len);
}

void
journal_unfollow(struct journal_follower *f)
{
	if (f->journal == NULL)
		return;
	TAILQ_REMOVE(&f->journal->followers, f, entry);
	f->journal = NULL;
}

int
journal_read(const char *service, int64_t deploy, struct buf *ret, struct err *err)
{
	auto_free char *path = store_log_path(service, deploy);

	return read_path(path, ret, err);
}
