#include "job/pktline.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

enum { HEAD = 4, OURS_MAX = 1500 };

static int
read_exactly(char *ret, size_t len, struct err *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(STDIN_FILENO, ret + have, len - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, EPROTO, "git has gone in the middle of a line");
		have += (size_t)n;
	}
	return 0;
}

/* Four hex digits, -1 for anything else. */
static int
length_of(const char *head)
{
	int n = 0;

	for (int i = 0; i < HEAD; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *at =
		    head[i] != '\0' ? strchr(digits, head[i] | ('A' <= head[i] && head[i] <= 'Z' ? 32 : 0)) : NULL;

		if (at == NULL)
			return -1;
		n = 16 * n + (int)(at - digits);
	}
	return n;
}

int
pktline_read(char *ret, struct err *err)
{
	char head[HEAD];
	int n;

	if (read_exactly(head, HEAD, err) < 0)
		return -err->num;
	n = length_of(head);
	if (n != 0 && (n < HEAD || n > PKTLINE_MAX + HEAD))
		return err_set(err, EPROTO, "git sends no pkt-line");
	n -= n == 0 ? 0 : HEAD;
	if (read_exactly(ret, (size_t)n, err) < 0)
		return -err->num;
	if (n > 0 && ret[n - 1] == '\n')
		n--;
	ret[n] = '\0';
	return n;
}

int
pktline_write(const char *line, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(HEAD + OURS_MAX);

	buf_printf(&text, "%04zx", strlen(line) + HEAD);
	buf_str_add(&text, line);
	if (text.full)
		return err_set(err, E2BIG, "a line of %zu bytes for git", strlen(line));
	return io_write_all(STDOUT_FILENO, text.data, text.len, err);
}

int
pktline_flush(struct err *err)
{
	return io_write_all(STDOUT_FILENO, "0000", HEAD, err);
}
