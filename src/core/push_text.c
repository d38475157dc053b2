#include "core/push_text.h"

#include <stdarg.h>
#include <string.h>

#include "base/auto.h"

/* In the order of the pipeline. What may come to nothing waits for a first line. */
static const struct heading {
	const char *step;
	const char *text;
	bool waits;
} headings[] = {
    {"submodules", "Fetching submodules", true},
    {"stage", "Reading the commit", false},
    {"policy", "Checking what it asks for", false},
    {"pull", "Pulling images", true},
    {"build", "Building", true},
    {"checkout", "Releasing", false},
    {"stop", "Stopping what is replaced", true},
    {"switch", "Starting new containers beside the old ones", true},
    {"make anew", "Making anew what did not run well", true},
    {"up", "Starting containers", true},
    {"watch", "Waiting until all of it runs well", false},
    {"names", "Leading visitors to it", true},
    {"push images", "Pushing the images to the registry", true},
};

void
push_text_init(struct push_text *t, push_text_fn *tell, void *ctx)
{
	*t = (struct push_text){.tell = tell, .ctx = ctx, .lines = LINES_INIT};
}

static void
tell_line(struct push_text *t, const char *mark, const char *text, size_t len)
{
	auto_buf struct buf line = BUF_INIT(5 * LINES_MAX);

	buf_str_add(&line, mark);
	buf_vis(&line, text, len, false);
	t->tell(t->ctx, buf_str(&line));
}

static void
tell_lines(struct push_text *t, const char *mark, const char *text)
{
	do {
		size_t len = strcspn(text, "\n");

		tell_line(t, mark, text, len);
		text += len + (text[len] == '\n' ? 1 : 0);
	} while (*text != '\0');
}

static void
tell_head(struct push_text *t)
{
	const char *head = TAKE(t->head);

	if (head != NULL)
		tell_line(t, "-----> ", head, strlen(head));
}

static void
on_detail(void *ctx, const char *text, size_t len)
{
	struct push_text *t = ctx;

	tell_head(t);
	tell_line(t, "       ", text, len > 0 && text[len - 1] == '\n' ? len - 1 : len);
}

/* What a program has left without a newline is a line of its own before anything else is said. */
static void
flush(struct push_text *t)
{
	lines_end(&t->lines, on_detail, t);
}

void
push_text_done(struct push_text *t)
{
	flush(t);
	lines_done(&t->lines);
}

void
push_text_note(struct push_text *t, const char *data, size_t len)
{
	static const char mark[] = "== ";
	size_t skip = sizeof(mark) - 1;

	if (len < skip || memcmp(data, mark, skip) != 0)
		return;
	flush(t);
	t->head = NULL;
	for (size_t i = t->step; i < ARRAY_LEN(headings); i++) {
		size_t n = strlen(headings[i].step);

		if (len != skip + n + 1 || memcmp(data + skip, headings[i].step, n) != 0)
			continue;
		t->step = i + 1;
		t->head = headings[i].text;
		if (!headings[i].waits)
			tell_head(t);
		return;
	}
}

void
push_text_add(struct push_text *t, const char *data, size_t len)
{
	lines_add(&t->lines, data, len, on_detail, t);
}

void
push_text_head(struct push_text *t, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(LINES_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	flush(t);
	t->head = NULL;
	tell_line(t, "-----> ", buf_str(&text), text.len);
}

void
push_text_detail(struct push_text *t, const char *text)
{
	flush(t);
	tell_head(t);
	tell_lines(t, "       ", text);
}

void
push_text_error(struct push_text *t, const char *text)
{
	flush(t);
	tell_lines(t, " !     ", text);
}

void
push_text_destroyed(struct push_text *t, const char *app)
{
	auto_free char *text = str_printf("Application destroyed: %s", app);

	flush(t);
	t->head = NULL;
	tell_line(t, "=====> ", text, strlen(text));
}

void
push_text_deployed(struct push_text *t, const struct strv *urls)
{
	static const char end[] = "Application deployed";

	flush(t);
	t->head = NULL;
	tell_line(t, "=====> ", urls->n > 0 ? "Application deployed:" : end, sizeof(end) - (urls->n > 0 ? 0 : 1));
	for (size_t i = 0; i < urls->n; i++)
		tell_line(t, "       ", urls->v[i], strlen(urls->v[i]));
}
