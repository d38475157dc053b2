#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "job/job.h"

void
job_say(const char *fmt, ...)
{
	auto_buf struct buf raw = BUF_INIT(16 << 10);
	auto_buf struct buf line = BUF_INIT(64 << 10);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&raw, fmt, ap);
	va_end(ap);
	buf_vis(&line, buf_str(&raw), raw.len, false);
	fprintf(stderr, "%s\n", buf_str(&line));
}

int
job_read_paths(struct buf *b, struct err *err)
{
	size_t n = 0, at = 0;
	int r = io_read_all(STDIN_FILENO, b, err);

	if (r < 0)
		return err_wrap(err, "cannot read the paths");
	if (b->len > 0 && b->data[b->len - 1] != '\0')
		return err_set(err, EINVAL, "the last path on standard input has no end");
	for (; at < b->len; at += strlen(b->data + at) + 1) {
		if (++n > JOB_PATHS_MAX)
			return err_set(err, E2BIG, "more than %d paths on standard input", JOB_PATHS_MAX);
		if (!path_is_clean(b->data + at))
			return err_set(err, EINVAL, "not a clean absolute path: %s", b->data + at);
	}
	return 0;
}
