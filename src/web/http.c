/* One request a connection, so that each connection has one deadline, and an idle one holds no place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "web/bounds.h"
#include "web/web.h"

#define TEXT_TYPE "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* One plain line. */
static enum MHD_Result
say(struct MHD_Connection *http, unsigned status, const char *text)
{
	auto_free char *line = str_printf("%s\n", text);
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(line), line, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, TEXT_TYPE);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	rc = MHD_queue_response(http, status, r);
	MHD_destroy_response(r);
	return rc;
}

static bool
is_fresh(const struct web *w)
{
	return w->page != NULL && io_now_ms() - w->page_ms < FRESH_MS;
}

static enum MHD_Result
show_metrics(const struct web *w, struct MHD_Connection *http)
{
	return is_fresh(w) ? MHD_queue_response(http, MHD_HTTP_OK, w->page)
			   : say(http, MHD_HTTP_SERVICE_UNAVAILABLE, "core");
}

static enum MHD_Result
show_health(const struct web *w, struct MHD_Connection *http)
{
	const char *word = is_fresh(w) ? w->health : "core";

	return word[0] == '\0' ? say(http, MHD_HTTP_OK, "ok") : say(http, MHD_HTTP_SERVICE_UNAVAILABLE, word);
}

/* All that there is. */
static const struct route {
	const char *path;
	enum MHD_Result (*show)(const struct web *w, struct MHD_Connection *http);
} routes[] = {
    {"/metrics", show_metrics},
    {"/healthz", show_health},
};

static const struct route *
find_route(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (str_eq(path, routes[i].path))
			return &routes[i];
	}
	return NULL;
}

static bool
has_body(struct MHD_Connection *http)
{
	const char *length = MHD_lookup_connection_value(http, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length != NULL && !str_eq(length, "0")) ||
	       MHD_lookup_connection_value(http, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

/* The headers are there. What can be said without core is said at once. */
static enum MHD_Result
begin(struct visitor *v, const char *path, const char *method)
{
	struct web *w = v->web;

	v->asked = true;
	v->route = find_route(path);
	if (!str_eq(method, MHD_HTTP_METHOD_GET) && !str_eq(method, MHD_HTTP_METHOD_HEAD))
		return say(v->http, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
	if (has_body(v->http))
		return say(v->http, MHD_HTTP_CONTENT_TOO_LARGE, "no body is taken here");
	if (v->route == NULL)
		return say(v->http, MHD_HTTP_NOT_FOUND, "there are /metrics and /healthz");
	if (is_fresh(w))
		return v->route->show(w, v->http);
	ask_core(w);
	v->waits = true;
	v->waits_since_ms = io_now_ms();
	MHD_suspend_connection(v->http);
	return MHD_YES;
}

static struct visitor *
visitor_of(struct MHD_Connection *http)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *http, const char *path, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **request)
{
	struct visitor *v = visitor_of(http);

	(void)cls;
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	if (v == NULL)
		return MHD_NO;
	return v->asked ? v->route->show(v->web, http) : begin(v, path, method);
}

static void
on_connection(void *cls, struct MHD_Connection *http, void **context, enum MHD_ConnectionNotificationCode what)
{
	struct web *w = cls;
	struct visitor *v = *context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		v = calloc(1, sizeof(*v));
		if (v == NULL)
			abort();
		v->web = w;
		v->http = http;
		v->fd = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		v->begun_ms = io_now_ms();
		LIST_INSERT_HEAD(&w->visitors, v, link);
		w->nvisitors++;
		*context = v;
	} else if (v != NULL) {
		LIST_REMOVE(v, link);
		w->nvisitors--;
		free(v);
	}
}

int
http_start(struct web *w, struct err *err)
{
	const union MHD_DaemonInfo *info;

	w->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
	    on_request, w, MHD_OPTION_CONNECTION_LIMIT, (unsigned)VISITORS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)HEADER_MAX_BYTES, MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	info = w->daemon != NULL ? MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (info == NULL)
		return err_set(err, EIO, "libmicrohttpd does not start");
	w->epoll = info->epoll_fd;
	return 0;
}

/* It is of no use to anybody any more, but for those who are still reading it: they keep it. */
static void
drop_page(struct web *w)
{
	if (w->page != NULL)
		MHD_destroy_response(w->page);
	w->page = NULL;
}

void
http_stop(struct web *w)
{
	http_wake(w);
	if (w->daemon != NULL)
		MHD_stop_daemon(w->daemon);
	drop_page(w);
}

static void
cut(struct visitor *v)
{
	v->cut = true;
	shutdown(v->fd, SHUT_RDWR);
}

/* May it be asked to go, for somebody who may be in earnest? */
static bool
dawdles(const struct visitor *v, long long now)
{
	return !v->cut && !v->waits && (!v->asked || now - v->begun_ms >= DAWDLE_MS);
}

/* The oldest of those who have not even asked, else of those who do not read. */
static bool
make_room(const struct web *w)
{
	long long now = io_now_ms();
	struct visitor *v;
	struct visitor *worst = NULL;

	LIST_FOREACH(v, &w->visitors, link)
	{
		if (dawdles(v, now) && (worst == NULL || !v->asked || worst->asked))
			worst = v;
	}
	if (worst == NULL)
		return false;
	cut(worst);
	return true;
}

static bool
accept_one(struct web *w, int listener)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	int fd;

	if (w->nvisitors >= VISITORS_MAX && !make_room(w)) {
		w->deaf_until_ms = io_now_ms() + TICK_MS;
		return false;
	}
	if (w->nvisitors >= VISITORS_MAX)
		return false; /* the place is free in the next turn */
	fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		w->deaf_until_ms = io_now_ms() + TICK_MS; /* out of something: it would wake us for ever */
	return fd >= 0 && MHD_add_connection(w->daemon, fd, (struct sockaddr *)&peer, len) == MHD_YES;
}

void
http_accept(struct web *w, int listener)
{
	for (int i = 0; i < ACCEPT_BURST && accept_one(w, listener); i++)
		continue;
}

static void
wake(struct visitor *v)
{
	v->waits = false;
	MHD_resume_connection(v->http);
}

void
http_wake(struct web *w)
{
	struct visitor *v;

	LIST_FOREACH(v, &w->visitors, link)
	{
		if (v->waits)
			wake(v);
	}
}

bool
http_waits(const struct web *w)
{
	const struct visitor *v;

	LIST_FOREACH(v, &w->visitors, link)
	{
		if (v->waits)
			return true;
	}
	return false;
}

static void
keep_time(const struct web *w)
{
	long long now = io_now_ms();
	struct visitor *v;

	LIST_FOREACH(v, &w->visitors, link)
	{
		if (v->waits && now - v->waits_since_ms >= CORE_MS)
			wake(v);
		else if (!v->waits && !v->cut && now - v->begun_ms >= (v->asked ? LIFE_MS : REQUEST_MS))
			cut(v);
	}
}

void
http_turn(struct web *w)
{
	keep_time(w);
	MHD_run(w->daemon);
	if (!is_fresh(w))
		drop_page(w);
}

int
http_wait_ms(const struct web *w)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	if (MHD_get_timeout(w->daemon, &ms) == MHD_YES && ms < TICK_MS)
		return (int)ms;
	return w->nvisitors > 0 || w->page != NULL || io_now_ms() < w->deaf_until_ms ? TICK_MS : -1;
}

void
http_set_page(struct web *w, char *take_text, size_t len)
{
	struct MHD_Response *page = MHD_create_response_from_buffer(len, take_text, MHD_RESPMEM_MUST_FREE);

	if (page == NULL)
		abort();
	MHD_add_response_header(page, MHD_HTTP_HEADER_CONTENT_TYPE, METRICS_TYPE);
	MHD_add_response_header(page, MHD_HTTP_HEADER_CONNECTION, "close");
	drop_page(w);
	w->page = page;
	w->page_ms = io_now_ms();
}
