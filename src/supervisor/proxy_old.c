#include "supervisor/proxy_old.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"

#define LISTEN "\tlisten "

enum {
	STAT_BYTES = 4096,
	TCP_BYTES = 16 << 20,
	PORTS_MAX = 64,
	NGINX_MAX = 1024, /* processes of that name */
	WATCHED_MS = 3 * 1000,
};

/* --- finding them --- */

struct process {
	pid_t pid, parent;
	unsigned long long started;
};

struct finding {
	int ports[PORTS_MAX];
	size_t nports;
	struct strv sockets; /* that listen there: "socket:[123]" */
	struct process all[NGINX_MAX];
	size_t n;
};

static void
find_ports(const char *text, struct finding *f)
{
	for (const char *at = text; (at = strstr(at, LISTEN)) != NULL && f->nports < PORTS_MAX; at += strlen(LISTEN)) {
		auto_free char *place =
		    str_printf("%.*s", (int)strcspn(at + strlen(LISTEN), " ;"), at + strlen(LISTEN));
		const char *port = strrchr(place, ':');
		int64_t number;

		if (port != NULL && str_to_int(port + 1, 1, UINT16_MAX, &number))
			f->ports[f->nports++] = (int)number;
	}
}

static bool
is_ours(const struct finding *f, unsigned port)
{
	for (size_t i = 0; i < f->nports; i++) {
		if ((unsigned)f->ports[i] == port)
			return true;
	}
	return false;
}

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 …" */
static void
find_sockets(const char *path, struct finding *f)
{
	enum { TCP_LISTEN = 0x0a };
	auto_buf struct buf table = BUF_INIT(TCP_BYTES);
	unsigned port, state;
	unsigned long long inode;

	if (io_read_file(AT_FDCWD, path, &table, NULL) < 0)
		return;
	for (const char *line = buf_str(&table); line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %llu", &port, &state,
			&inode) == 3 &&
		    state == TCP_LISTEN && is_ours(f, port))
			strv_add_take(&f->sockets, str_printf("socket:[%llu]", inode));
	}
}

/* Is it called nginx? */
static bool
read_process(const char *pid, struct process *ret)
{
	auto_free char *path = str_printf("/proc/%s/stat", pid);
	auto_buf struct buf text = BUF_INIT(STAT_BYTES);
	const char *behind;
	int64_t number;

	if (!str_to_int(pid, 1, INT32_MAX, &number) || io_read_file(AT_FDCWD, path, &text, NULL) < 0 ||
	    strstr(buf_str(&text), " (nginx) ") == NULL)
		return false;
	behind = strrchr(buf_str(&text), ')');
	ret->pid = (pid_t)number;
	return behind != NULL &&
	       sscanf(behind, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &ret->parent, &ret->started) == 2;
}

static void
find_processes(struct finding *f)
{
	DIR *d = opendir("/proc");

	if (d == NULL)
		return;
	for (struct dirent *e = readdir(d); e != NULL && f->n < NGINX_MAX; e = readdir(d)) {
		if (read_process(e->d_name, &f->all[f->n]))
			f->n++;
	}
	closedir(d);
}

static bool
listens(const struct finding *f, pid_t pid)
{
	auto_free char *path = str_printf("/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	bool found = false;
	char target[64];

	if (d == NULL)
		return false;
	for (struct dirent *e = readdir(d); e != NULL && !found; e = readdir(d)) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		found = strv_has(&f->sockets, target);
	}
	closedir(d);
	return found;
}

static bool
has_child(const struct finding *f, pid_t pid)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->all[i].parent == pid)
			return true;
	}
	return false;
}

/* All of them, also those that a reload of before has told to end: what they still answer may be what goes now. */
static bool
add_children(const struct finding *f, pid_t master, struct proxy_old *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->all[i].parent != master)
			continue;
		if (ret->n == PROXY_OLD_MAX)
			return false;
		ret->v[ret->n].pid = f->all[i].pid;
		ret->v[ret->n++].started = f->all[i].started;
	}
	return true;
}

void
proxy_old_find(const char *text, struct proxy_old *ret)
{
	auto_free struct finding *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	ret->n = 0;
	find_ports(text, f);
	find_sockets("/proc/self/net/tcp", f);
	find_sockets("/proc/self/net/tcp6", f);
	if (f->sockets.n > 0)
		find_processes(f);
	for (size_t i = 0; i < f->n; i++) {
		if (has_child(f, f->all[i].pid) && listens(f, f->all[i].pid) && !add_children(f, f->all[i].pid, ret)) {
			ret->n = 0;
			break;
		}
	}
	strv_done(&f->sockets);
}

void
proxy_old_pack(const struct proxy_old *old, struct buf *ret)
{
	for (size_t i = 0; i < old->n; i++)
		buf_printf(ret, " %d:%llu", (int)old->v[i].pid, old->v[i].started);
}

void
proxy_old_unpack(const char *words, struct proxy_old *ret)
{
	int pid, len;
	unsigned long long started;

	ret->n = 0;
	while (ret->n < PROXY_OLD_MAX && sscanf(words, " %d:%llu%n", &pid, &started, &len) == 2) {
		ret->v[ret->n].pid = pid;
		ret->v[ret->n++].started = started;
		words += len;
	}
}

/* --- waiting for their end --- */

struct watched {
	struct proxy_watch *watch;
	struct event *ended;
	int pidfd; /* -1: this place is free */
};

struct proxy_watch {
	struct event_base *base;
	void (*gone)(void *ctx, long long id);
	void *ctx;
	struct watched v[PROXY_OLD_MAX];
	size_t n;
	long long id;
	struct event *late;
};

static void
forget(struct watched *one)
{
	event_free(TAKE(one->ended));
	auto_close_(&one->pidfd);
	one->pidfd = -1;
	one->watch->n--;
}

static void
on_ended(evutil_socket_t fd, short what, void *ctx)
{
	struct watched *one = ctx;
	struct proxy_watch *w = one->watch;

	(void)fd;
	(void)what;
	forget(one);
	if (w->n > 0)
		return;
	event_del(w->late);
	w->gone(w->ctx, w->id);
}

static void
on_late(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	proxy_watch_clear(ctx);
}

/* The number may be another process's by now: then this one has ended. */
static int
open_process(pid_t pid, unsigned long long started)
{
	auto_close int pidfd = pidfd_open(pid, 0);
	auto_free char *name = str_printf("%d", (int)pid);
	struct process p = {0};

	return pidfd >= 0 && read_process(name, &p) && p.started == started ? take_fd(&pidfd) : -1;
}

static bool
watch_one(struct proxy_watch *w, int take_pidfd)
{
	for (size_t i = 0; i < PROXY_OLD_MAX; i++) {
		struct watched *one = &w->v[i];

		if (one->pidfd >= 0)
			continue;
		one->ended = event_new(w->base, take_pidfd, EV_READ, on_ended, one);
		if (one->ended == NULL || event_add(one->ended, NULL) < 0)
			abort();
		one->pidfd = take_pidfd;
		w->n++;
		return true;
	}
	close(take_pidfd);
	return false;
}

void
proxy_watch_add(struct proxy_watch *w, long long id, const struct proxy_old *old)
{
	static const struct timeval late = {WATCHED_MS / 1000, 0};

	if (old->n == 0) {
		proxy_watch_clear(w);
		return;
	}
	w->id = id;
	for (size_t i = 0; i < old->n; i++) {
		int pidfd = open_process(old->v[i].pid, old->v[i].started);

		if (pidfd >= 0 && !watch_one(w, pidfd)) {
			proxy_watch_clear(w);
			return;
		}
	}
	if (w->n == 0)
		w->gone(w->ctx, id);
	else
		event_add(w->late, &late);
}

void
proxy_watch_clear(struct proxy_watch *w)
{
	for (size_t i = 0; i < PROXY_OLD_MAX; i++) {
		if (w->v[i].pidfd >= 0)
			forget(&w->v[i]);
	}
	event_del(w->late);
}

struct proxy_watch *
proxy_watch_new(struct event_base *base, void (*gone)(void *ctx, long long id), void *ctx)
{
	struct proxy_watch *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->late = evtimer_new(base, on_late, w)) == NULL)
		abort();
	w->base = base;
	w->gone = gone;
	w->ctx = ctx;
	for (size_t i = 0; i < PROXY_OLD_MAX; i++)
		w->v[i] = (struct watched){.watch = w, .pidfd = -1};
	return w;
}

void
proxy_watch_free(struct proxy_watch *w)
{
	proxy_watch_clear(w);
	event_free(w->late);
	free(w);
}
