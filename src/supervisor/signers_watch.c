#include "supervisor/signers_watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "supervisor/core.h"

/* What tells one state of a file from another; nothing of it is read. All zero: it is not there. */
struct print {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtim, ctim;
};

struct signers_watch {
	const struct conf *conf;
	const struct core *core;
	struct print *prints; /* one a service */
	struct event *poll;
	struct timeval interval;
};

static struct print
take_print(const char *path)
{
	struct print p;
	struct stat st;

	memset(&p, 0, sizeof(p)); /* also what lies between the members: they are compared as bytes */
	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return p;
	p.dev = st.st_dev;
	p.ino = st.st_ino;
	p.size = st.st_size;
	p.mtim = st.st_mtim;
	p.ctim = st.st_ctim;
	return p;
}

static void
look(struct signers_watch *w, bool tell)
{
	for (size_t i = 0; i < w->conf->nservices; i++) {
		const struct conf_service *s = &w->conf->services[i];
		struct print now;

		if (s->signers == NULL)
			continue;
		now = take_print(s->signers);
		if (memcmp(&now, &w->prints[i], sizeof(now)) == 0)
			continue;
		memcpy(&w->prints[i], &now, sizeof(now));
		if (!tell)
			continue;
		log_info("the signers have changed file=%s service=%s", s->signers, s->name);
		if (core_channel(w->core) != NULL)
			channel_send(core_channel(w->core), msg_new("signers", "ss", "service", s->name), NULL, 0);
	}
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct signers_watch *w = arg;

	(void)fd;
	(void)what;
	look(w, true);
	event_add(w->poll, &w->interval);
}

struct signers_watch *
signers_watch_new(struct event_base *base, const struct conf *conf, long long poll_ms, const struct core *core)
{
	struct signers_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->conf = conf;
	w->core = core;
	w->interval = (struct timeval){poll_ms / 1000, (poll_ms % 1000) * 1000};
	w->prints = calloc(conf->nservices + 1, sizeof(*w->prints));
	w->poll = evtimer_new(base, on_poll, w);
	if (w->prints == NULL || w->poll == NULL || event_add(w->poll, &w->interval) < 0)
		abort();
	look(w, false);
	return w;
}

void
signers_watch_free(struct signers_watch *w)
{
	if (w == NULL)
		return;
	event_free(w->poll);
	free(w->prints);
	free(w);
}
