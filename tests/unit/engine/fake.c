#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_S = 10 };

void
fake_init(struct fake *f, void (*asked)(struct fake_conn *c, const char *path), void *test)
{
	memset(f, 0, sizeof(*f));
	f->base = event_base_new();
	f->asked = asked;
	f->test = test;
}

void
fake_done(struct fake *f)
{
	for (size_t i = 0; i < f->nconns; i++)
		fake_close(&f->conns[i]);
	event_base_free(f->base);
}

/* Where the request ends that stands at the front, with its body; NULL: it is not whole yet. */
static char *
request_end(struct fake_conn *c)
{
	char *head = strstr(c->request, "\r\n\r\n");
	const char *length = strstr(c->request, "Content-Length: ");
	size_t body = 0;

	if (head == NULL)
		return NULL;
	if (length != NULL && length < head)
		body = (size_t)atoi(length + strlen("Content-Length: "));
	head += 4;
	return strlen(head) < body ? NULL : head + body;
}

static void
take_request(struct fake_conn *c)
{
	struct fake *f = c->fake;
	char path[4096] = "";

	while (request_end(c) != NULL) {
		assert_int_equal(sscanf(c->request, "%7s %4095s HTTP/1.1\r\n", f->method, path), 2);
		snprintf(f->body, sizeof(f->body), "%s", strstr(c->request, "\r\n\r\n") + 4);
		c->len = 0;
		c->request[0] = '\0';
		snprintf(f->log + strlen(f->log), sizeof(f->log) - strlen(f->log), "%s\n", path);
		f->asked(c, path);
	}
}

static void
on_request(evutil_socket_t fd, short what, void *arg)
{
	struct fake_conn *c = arg;
	ssize_t n = read(fd, c->request + c->len, sizeof(c->request) - 1 - c->len);

	(void)what;
	if (n <= 0) {
		fake_close(c);
		return;
	}
	c->len += (size_t)n;
	c->request[c->len] = '\0';
	take_request(c);
}

int
fake_connect(struct fake *f)
{
	struct fake_conn *c = &f->conns[f->nconns++];
	int fds[2];

	assert_true(f->nconns <= FAKE_CONNS_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	c->fake = f;
	c->fd = fds[1];
	c->readable = event_new(f->base, fds[1], EV_READ | EV_PERSIST, on_request, c);
	event_add(c->readable, NULL);
	return fds[0];
}

void
fake_send(struct fake_conn *c, const char *text)
{
	assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void
fake_json(struct fake_conn *c, int status, const char *body)
{
	char head[200];

	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
	    status, strlen(body));
	fake_send(c, head);
	fake_send(c, body);
}

void
fake_stream(struct fake_conn *c)
{
	fake_send(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void
fake_chunk(struct fake_conn *c, const char *text)
{
	char size[32];

	snprintf(size, sizeof(size), "%zx\r\n", strlen(text));
	fake_send(c, size);
	fake_send(c, text);
	fake_send(c, "\r\n");
}

void
fake_close(struct fake_conn *c)
{
	if (c->fd < 0)
		return;
	event_free(c->readable);
	close(c->fd);
	c->fd = -1;
}

int
fake_count(const struct fake *f, const char *part)
{
	int n = 0;

	for (const char *p = f->log; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

void
fake_wait(struct fake *f, const int *flag, int n)
{
	struct timeval tv = {WAIT_S, 0};
	bool late = false;
	struct event *timer = evtimer_new(f->base, on_late, &late);

	evtimer_add(timer, &tv);
	while (*flag < n && !late)
		event_base_loop(f->base, EVLOOP_ONCE);
	event_free(timer);
	assert_false(late);
}

void
fake_settle(struct fake *f)
{
	for (int i = 0; i < 100; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}
