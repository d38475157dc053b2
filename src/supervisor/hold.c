#include "supervisor/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "supervisor/account.h"
#include "supervisor/durable.h"

enum {
	NOTE_LINE_MAX = 200, /* bytes of the file's first line */
	NOTE_MAX = 2048,
};

struct hold {
	const struct conf_service *service;
	bool held;
	char *note;
};

struct holds {
	const struct facts *facts;
	struct holds_handler handler;
	struct hold *holds; /* one a service, and one an app */
	size_t n;
	int fd;
	struct event *ev;
	struct event *poll;
	struct timeval interval;
};

/* The file's first line, escaped; nothing when it is empty. Only a file of root's is read: another one's content is not
 * the administrator's word. */
static void
read_line(int dirfd, const char *path, struct buf *ret)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	char line[NOTE_LINE_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0)
		return;
	n = read(fd, line, sizeof(line));
	if (n <= 0)
		return;
	n = (ssize_t)(memchr(line, '\n', (size_t)n) != NULL ? (char *)memchr(line, '\n', (size_t)n) - line : n);
	buf_vis(ret, line, (size_t)n, false);
}

static void
add_owner(const struct stat *st, struct buf *note)
{
	auto_account struct account a = {0};
	char stamp[IO_UTC_TEXT];

	io_utc_text((long long)st->st_mtime * 1000, stamp);
	if (account_of_uid(st->st_uid, &a, NULL) == 0)
		buf_printf(note, "by %s, %s UTC", a.name, stamp);
	else
		buf_printf(note, "by uid %u, %s UTC", st->st_uid, stamp);
}

bool
hold_look(int dirfd, const char *service, struct buf *note)
{
	auto_buf struct buf line = BUF_INIT(NOTE_MAX);
	char path[NAME_MAX + 8];
	struct stat st;

	snprintf(path, sizeof(path), "%s.stop", service);
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return false;
		/* In doubt it stays down: that is what the administrator asked for, and it loses nothing. */
		log_warn("cannot look at %s: %s service=%s", path, strerror(errno), service);
		buf_printf(note, "%s cannot be read", path);
		return true;
	}
	read_line(dirfd, path, &line);
	if (str_starts(buf_str(&line), "by ")) {
		buf_str_add(note, buf_str(&line));
		return true;
	}
	add_owner(&st, note);
	buf_printf(note, "%s%s", line.len > 0 ? ": " : "", buf_str(&line));
	return true;
}

/* --- writing --- */

static int
write_file(int dirfd, const char *path, const char *note, struct err *err)
{
	auto_buf struct buf line = BUF_INIT(NOTE_LINE_MAX);

	line.limit = NOTE_LINE_MAX - 1;
	buf_vis(&line, note, strlen(note), false);
	line.limit = NOTE_LINE_MAX;
	buf_str_add(&line, "\n");
	/* A hold that a power cut forgets would start what should stay down. */
	return durable_write(dirfd, path, 0644, buf_str(&line), line.len, err);
}

static int
set_file(int dirfd, const char *service, bool held, const char *note, struct err *err)
{
	auto_free char *path = str_printf("%s.stop", service);
	int rc = 0;

	if (held)
		rc = write_file(dirfd, path, note, err);
	else if (unlinkat(dirfd, path, 0) < 0 && errno != ENOENT)
		rc = err_errno(err, "cannot remove %s", path);
	if (rc >= 0 && fsync(dirfd) < 0)
		rc = err_errno(err, "cannot sync the directory of %s", path);
	return rc;
}

static void
look(struct holds *hs, struct hold *h, bool tell)
{
	const char *service = h->service->name;
	auto_buf struct buf note = BUF_INIT(NOTE_MAX);
	bool held = hold_look(hs->facts->dirfd, service, &note);

	if (!tell && held == h->held && str_eq(buf_str(&note), h->note))
		return;
	if (held != h->held)
		log_info("%s service=%s", held ? "held" : "no longer held", service);
	h->held = held;
	free(h->note);
	h->note = buf_take(&note);
	hs->handler.changed(hs->handler.ctx, service, h->held, h->note);
}

static struct hold *
find(struct holds *hs, const char *service)
{
	for (size_t i = 0; i < hs->n; i++) {
		if (str_eq(hs->holds[i].service->name, service))
			return &hs->holds[i];
	}
	return NULL;
}

int
holds_set(struct holds *hs, const char *service, bool held, const char *note, struct err *err)
{
	struct hold *h = find(hs, service);
	int rc;

	if (h == NULL)
		return err_set(err, ENOENT, "no such service is configured");
	rc = set_file(hs->facts->dirfd, h->service->name, held, note, err);
	look(hs, h, false);
	return rc;
}

void
holds_add(struct holds *hs, const struct conf_service *s)
{
	struct hold *grown = reallocarray(hs->holds, hs->n + 1, sizeof(*grown));

	if (grown == NULL)
		abort();
	hs->holds = grown;
	grown[hs->n++] = (struct hold){.service = s, .note = str_dup("")};
}

void
holds_look(struct holds *hs, const char *service)
{
	struct hold *h = find(hs, service);

	if (h != NULL)
		look(hs, h, false);
}

void
holds_drop(struct holds *hs, const char *service)
{
	struct hold *h = find(hs, service);

	if (h == NULL)
		return;
	free(h->note);
	*h = hs->holds[--hs->n];
}

static void
look_at_all(struct holds *hs)
{
	for (size_t i = 0; i < hs->n; i++)
		look(hs, &hs->holds[i], false);
}

static void
on_inotify(evutil_socket_t fd, short what, void *arg)
{
	char events[8192];

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		continue; /* which file it was does not matter: looking costs a call a service */
	look_at_all(arg);
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct holds *hs = arg;

	(void)fd;
	(void)what;
	look_at_all(hs);
	event_add(hs->poll, &hs->interval);
}

void
holds_tell_all(struct holds *hs)
{
	for (size_t i = 0; i < hs->n; i++) {
		look(hs, &hs->holds[i], false);
		if (hs->holds[i].held)
			look(hs, &hs->holds[i], true);
	}
}

struct holds *
holds_new(struct event_base *base, const struct facts *facts, long long poll_ms, const struct holds_handler *h,
    struct err *err)
{
	struct holds *hs = calloc(1, sizeof(*hs));

	if (hs == NULL)
		abort();
	hs->facts = facts;
	hs->handler = *h;
	hs->interval = (struct timeval){poll_ms / 1000, (poll_ms % 1000) * 1000};
	hs->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (size_t i = 0; i < conf_count(facts->conf); i++)
		holds_add(hs, conf_at(facts->conf, i));
	if (hs->fd < 0 ||
	    inotify_add_watch(hs->fd, facts->dir,
		IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR) < 0) {
		err_errno(err, "cannot watch %s", facts->dir);
		holds_free(hs);
		return NULL;
	}
	hs->ev = event_new(base, hs->fd, EV_READ | EV_PERSIST, on_inotify, hs);
	hs->poll = evtimer_new(base, on_poll, hs);
	if (hs->ev == NULL || hs->poll == NULL || event_add(hs->ev, NULL) < 0 || event_add(hs->poll, &hs->interval) < 0)
		abort();
	return hs;
}

void
holds_free(struct holds *hs)
{
	if (hs == NULL)
		return;
	for (size_t i = 0; i < hs->n; i++)
		free(hs->holds[i].note);
	free(hs->holds);
	if (hs->ev != NULL)
		event_free(hs->ev);
	if (hs->poll != NULL)
		event_free(hs->poll);
	auto_close_(&hs->fd);
	free(hs);
}
