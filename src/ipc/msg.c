#include "ipc/msg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"

/* What the kernel may install at once: alignment leaves room for one more than a message may have. */
enum { FDS_ROOM = MSG_FDS + 1 };

/* jansson seeds its hash tables at the first object, from a file or, where the door is closed, from the clock: a peer
 * could then choose keys that collide. So it happens here, before main, and from the kernel. */
__attribute__((constructor)) static void
seed_hash_tables(void)
{
	size_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		abort();
	json_object_seed(seed == 0 ? 1 : seed);
}

static void
close_fds(int *fds, size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	*n = 0;
}

void
msg_done(struct msg *m)
{
	json_decref(m->body);
	m->body = NULL;
	m->spec = NULL;
	close_fds(m->fds, &m->nfds);
}

/* Takes every descriptor that came along into fds, so that none leaks, whatever else is wrong with the message. */
static void
collect_fds(struct msghdr *mh, int fds[FDS_ROOM], size_t *ret_n)
{
	*ret_n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (*ret_n < FDS_ROOM)
				fds[(*ret_n)++] = fd;
			else
				close(fd);
		}
	}
}

/* One datagram. Returns its length, 0 at end of file, -errno. */
static ssize_t
receive(int fd, char *data, size_t size, int fds[FDS_ROOM], size_t *ret_nfds, struct err *err)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FDS_ROOM)];
	} control;
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do {
		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
		/* ECONNRESET comes once, when the peer closed without reading all: what it had sent before is still to
		 * be had. */
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0 && errno == EAGAIN)
		return err_set(err, EAGAIN, "nothing to receive");
	if (n < 0)
		return err_errno(err, "cannot receive");
	collect_fds(&mh, fds, ret_nfds);
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return err_set(err, EBADMSG, "a message that is too long or has too many descriptors");
	return n;
}

/* The object and its spec, or -EBADMSG. */
static int
decode(const char *data, size_t len, enum msg_dir dir, size_t nfds, struct msg *m, struct err *err)
{
	json_error_t jerr;
	const char *type;

	m->body = json_loadb(data, len, JSON_REJECT_DUPLICATES, &jerr);
	if (m->body == NULL)
		return err_set(err, EBADMSG, "a message that is not JSON: %s", jerr.text);
	type = json_string_value(json_object_get(m->body, "type"));
	if (type == NULL)
		return err_set(err, EBADMSG, "a message without a type");
	m->spec = msg_spec_find(type, dir);
	if (m->spec == NULL)
		return err_set(err, EBADMSG, "unknown message %s", type);
	return msg_check(m->spec, m->body, nfds, err);
}

int
msg_recv(int fd, enum msg_dir dir, struct msg *ret_m, struct err *err)
{
	auto_msg struct msg m = MSG_INIT;
	char data[MSG_MAX];
	int fds[FDS_ROOM];
	size_t nfds = 0;
	ssize_t n;
	int r;

	n = receive(fd, data, sizeof(data), fds, &nfds, err);
	/* An empty datagram looks like the end of the file, and ends the peer all the same. */
	r = n <= 0 ? (int)n : decode(data, (size_t)n, dir, nfds, &m, err);
	if (n <= 0 || r < 0) {
		close_fds(fds, &nfds);
		return r;
	}
	memcpy(m.fds, fds, nfds * sizeof(fds[0]));
	m.nfds = nfds;
	*ret_m = m;
	m = (struct msg)MSG_INIT;
	return 1;
}

char *
msg_encode(enum msg_dir dir, const json_t *body, size_t nfds, struct err *err)
{
	const char *type = json_string_value(json_object_get(body, "type"));
	const struct msg_spec *spec = type == NULL ? NULL : msg_spec_find(type, dir);
	auto_free char *text = NULL;

	/* Our own mistake: no peer can bring it about. */
	if (spec == NULL || msg_check(spec, body, nfds, NULL) < 0)
		abort();
	text = json_dumps(body, JSON_COMPACT);
	if (text == NULL)
		abort();
	if (strlen(text) > MSG_MAX) {
		err_set(err, EMSGSIZE, "message %s is longer than %d bytes", type, MSG_MAX);
		return NULL;
	}
	return TAKE(text);
}

int
msg_send_text(int fd, const char *text, const int *fds, size_t nfds, struct err *err)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * MSG_FDS)];
	} control = {0};
	union {
		const char *in;
		char *out;
	} data = {.in = text}; /* struct iovec is for both ways and has no const */
	struct iovec iov = {.iov_base = data.out, .iov_len = strlen(text)};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (nfds > 0) {
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		control.align = (struct cmsghdr){CMSG_LEN(sizeof(int) * nfds), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(fd, &mh, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	if (errno == EAGAIN)
		return err_set(err, EAGAIN, "the peer does not read");
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return err_set(err, EPIPE, "the peer has gone");
	return err_errno(err, "cannot send");
}

int
msg_send(int fd, enum msg_dir dir, const json_t *body, const int *fds, size_t nfds, struct err *err)
{
	auto_free char *text = NULL;

	text = msg_encode(dir, body, nfds, err);
	if (text == NULL)
		return -EMSGSIZE;
	return msg_send_text(fd, text, fds, nfds, err);
}

/* A string that jansson takes: foreign bytes must not end a process whose catalogue says "string". */
static json_t *
new_string(const char *s)
{
	auto_buf struct buf b = BUF_INIT(MSG_MAX);
	json_t *v;

	if (s == NULL)
		abort();
	v = json_string(s);
	if (v != NULL)
		return v;
	buf_vis(&b, s, strlen(s), true);
	return json_string(buf_str(&b));
}

json_t *
msg_new(const char *type, const char *fmt, ...)
{
	json_t *body = json_pack("{ss}", "type", type);
	va_list ap;

	va_start(ap, fmt);
	for (const char *p = fmt; *p != '\0'; p += 2) {
		const char *key;
		json_t *v = NULL;

		if (p[0] != 's')
			abort();
		key = va_arg(ap, const char *);
		if (p[1] == 's')
			v = new_string(va_arg(ap, const char *));
		else if (p[1] == 'i')
			v = json_integer(va_arg(ap, int));
		else if (p[1] == 'I')
			v = json_integer(va_arg(ap, json_int_t));
		else if (p[1] == 'b')
			v = json_boolean(va_arg(ap, int));
		if (v == NULL || json_object_set_new(body, key, v) < 0)
			abort();
	}
	va_end(ap);
	return body;
}

/* A field that the catalogue has checked; asking for another one is our own mistake. */
static const json_t *
field(const struct msg *m, const char *name)
{
	const json_t *v = json_object_get(m->body, name);

	if (v == NULL)
		abort();
	return v;
}

const char *
msg_str(const struct msg *m, const char *name)
{
	const char *s = json_string_value(field(m, name));

	if (s == NULL)
		abort();
	return s;
}

long long
msg_int(const struct msg *m, const char *name)
{
	return json_integer_value(field(m, name));
}

bool
msg_bool(const struct msg *m, const char *name)
{
	return json_is_true(field(m, name));
}

int
msg_take_fd(struct msg *m, size_t i)
{
	return i < m->nfds ? take_fd(&m->fds[i]) : -1;
}
