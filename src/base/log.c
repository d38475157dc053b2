#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum { LOG_LINE_MAX = 4096 };

static struct {
	const char *name;
	bool debug;
	bool journal;
} state = {.name = "pgo"};

/* systemd names the journal's stream by device and inode: a shell started from a unit inherits the variable, not the
 * stream. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, here) == 0;
}

void
log_init(const char *name, bool debug)
{
	time_t now = time(NULL);
	struct tm tm;

	state.name = name;
	state.debug = debug;
	state.journal = stderr_is_journal();
	/* libc opens /etc/localtime at the first conversion: now, not behind a closed door. */
	gmtime_r(&now, &tm);
}

bool
log_debug_on(void)
{
	return state.debug;
}

static void
add_head(struct buf *b, int level, const char *word)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	if (state.journal) {
		buf_printf(b, "<%d>", level);
		return;
	}
	if (gmtime_r(&now, &tm) == NULL || strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		when[0] = '\0';
	buf_printf(b, "%s %s %s: ", when, state.name, word);
}

static void __attribute__((format(printf, 3, 0))) line(int level, const char *word, const char *fmt, va_list ap)
{
	int saved = errno;
	auto_buf struct buf text = BUF_INIT(LOG_LINE_MAX);
	auto_buf struct buf out = BUF_INIT(LOG_LINE_MAX - 1);
	ssize_t n;

	buf_vprintf(&text, fmt, ap);
	add_head(&out, level, word);
	buf_vis(&out, buf_str(&text), text.len, false);
	out.limit = LOG_LINE_MAX;
	buf_add(&out, "\n", 1);
	/* One write a line, so that the lines of several processes do not mix. A log that cannot be written has no
	 * place to say so. */
	do
		n = write(STDERR_FILENO, buf_str(&out), out.len);
	while (n < 0 && errno == EINTR);
	errno = saved;
}

void
log_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(3, "error", fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(4, "warning", fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(6, "info", fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!state.debug)
		return;
	va_start(ap, fmt);
	line(7, "debug", fmt, ap);
	va_end(ap);
}
