#include "supervisor/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/config.h"

enum {
	DEBOUNCE_MS = 500, /* an editor writes in several steps */
	LOOK_AGAIN_S = 30, /* for what inotify does not see: a symbolic link's target, a network file system */
};

struct watch {
	char *path;
	struct buf known;
	struct watch_handler handler;
	int fd;
	struct event *ev;
	struct event *timer; /* the next look: soon after an event, or after LOOK_AGAIN_S */
};

static void
look_later(struct watch *w, struct timeval tv)
{
	event_add(w->timer, &tv);
}

static void
on_inotify(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	char events[8192];

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		continue;
	look_later(w, (struct timeval){0, DEBOUNCE_MS * 1000});
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	auto_buf struct buf now = BUF_INIT(CONFIG_MAX);
	struct err err = ERR_INIT;

	(void)fd;
	(void)what;
	look_later(w, (struct timeval){LOOK_AGAIN_S, 0});
	if (config_read(w->path, &now, &err) < 0) {
		log_debug("the configuration cannot be read now: %s", err.msg);
		return;
	}
	if (now.len == w->known.len && memcmp(buf_str(&now), buf_str(&w->known), now.len) == 0)
		return;
	buf_reset(&w->known); /* so that a faulty file is reported once, not every time */
	buf_add(&w->known, buf_str(&now), now.len);
	w->handler.changed(w->handler.ctx);
}

/* The directory, not the file: editors put a new file in the old one's place. */
static int
watch_directory(struct watch *w, struct err *err)
{
	const char *slash = strrchr(w->path, '/');
	auto_free char *dir = slash == NULL ? str_dup(".") : str_printf("%.*s", (int)(slash - w->path + 1), w->path);

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0 || inotify_add_watch(w->fd, dir, IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
		return err_errno(err, "cannot watch %s", dir);
	return 0;
}

struct watch *
watch_new(
    struct event_base *base, const char *path, const struct buf *known, const struct watch_handler *h, struct err *err)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->path = str_dup(path);
	w->known = (struct buf)BUF_INIT(CONFIG_MAX);
	buf_add(&w->known, buf_str(known), known->len);
	w->handler = *h;
	w->timer = evtimer_new(base, on_timer, w);
	if (w->timer == NULL)
		abort();
	if (watch_directory(w, err) < 0) {
		watch_free(w);
		return NULL;
	}
	w->ev = event_new(base, w->fd, EV_READ | EV_PERSIST, on_inotify, w);
	if (w->ev == NULL || event_add(w->ev, NULL) < 0)
		abort();
	look_later(w, (struct timeval){0, DEBOUNCE_MS * 1000}); /* it may have changed while pgod started */
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	if (w->ev != NULL)
		event_free(w->ev);
	event_free(w->timer);
	auto_close_(&w->fd);
	buf_done(&w->known);
	free(w->path);
	free(w);
}
