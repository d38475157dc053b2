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

enum { LOG_LINE_MAX = 4096, LOG_FORMAT_MAX = 512, LEVEL_DEBUG = 7 };

static struct {
	const char *name;
	bool debug;
	bool journal;
	log_tap_fn *tap;
	void *tap_ctx;
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

void
log_tap(log_tap_fn *tap, void *ctx)
{
	state.tap = tap;
	state.tap_ctx = ctx;
}

static const char *cut_format(const char *fmt, size_t len, char *ret, size_t size) __attribute__((format_arg(1)));

static const char *
cut_format(const char *fmt, size_t len, char *ret, size_t size)
{
	snprintf(ret, size, "%.*s", (int)len, fmt);
	return ret;
}

/* The value that the format puts behind "service=" stands where the format up to there ends. To look for the word in
 * the line itself would ask those whose text is in it. */
static void __attribute__((format(printf, 1, 0)))
find_service(const char *fmt, va_list ap, const char *text, char *ret_name, size_t size)
{
	static const char key[] = "service=%s";
	auto_buf struct buf head = BUF_INIT(LOG_LINE_MAX);
	const char *at = strstr(fmt, key);
	char cut[LOG_FORMAT_MAX];
	size_t len;

	ret_name[0] = '\0';
	if (at == NULL || (at != fmt && at[-1] != ' ') || strlen(fmt) >= sizeof(cut))
		return;
	buf_vprintf(&head, cut_format(fmt, (size_t)(at - fmt) + strlen("service="), cut, sizeof(cut)), ap);
	if (head.full || head.len > strlen(text))
		return;
	len = strspn(text + head.len, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	snprintf(ret_name, size, "%.*s", (int)len, text + head.len);
}

static void __attribute__((format(printf, 3, 0)))
tell_tap(const char *word, const struct buf *text, const char *fmt, va_list ap)
{
	log_tap_fn *tap = state.tap;
	auto_buf struct buf shown = BUF_INIT(LOG_LINE_MAX);
	char name[64];

	find_service(fmt, ap, buf_str(text), name, sizeof(name));
	if (name[0] == '\0')
		return;
	buf_vis(&shown, buf_str(text), text->len, false);
	state.tap = NULL;
	tap(state.tap_ctx, name, word, buf_str(&shown));
	state.tap = tap;
}

static void __attribute__((format(printf, 3, 0))) line(int level, const char *word, const char *fmt, va_list ap)
{
	int saved = errno;
	auto_buf struct buf text = BUF_INIT(LOG_LINE_MAX);
	auto_buf struct buf out = BUF_INIT(LOG_LINE_MAX - 1);
	va_list again;
	ssize_t n;

	va_copy(again, ap);
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
	if (state.tap != NULL && level < LEVEL_DEBUG)
		tell_tap(word, &text, fmt, again);
	va_end(again);
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
	line(LEVEL_DEBUG, "debug", fmt, ap);
	va_end(ap);
}
