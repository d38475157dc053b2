#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/blobs.h"
#include "job/job.h"
#include "job/tree.h"

enum {
	KEY_FILES_MAX = 256,
	KEY_FILE_MAX_BYTES = 64 << 10,
	KEY_LINE_CUT_BYTES = (16 << 10) + 1,
};

/* A name that is safe in "FILE:LINENO:TEXT". */
static bool
name_is_plain(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c == ':' || (unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

/* What is left out, and why: as line 0 of the file. A name must not look like more than a name. */
__attribute__((format(printf, 2, 3))) static void
leave_out(const char *name, const char *fmt, ...)
{
	auto_buf struct buf shown = BUF_INIT(1024);
	auto_buf struct buf text = BUF_INIT(2048);
	va_list ap;

	buf_vis(&shown, name, strlen(name), false);
	for (const char *c = buf_str(&shown); *c; c++)
		buf_add(&text, *c == ':' ? "?" : c, 1);
	buf_str_add(&text, ":0:");
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	printf("%s\n", buf_str(&text));
}

/* ssh/NAME.pub, a regular file that is not too large. What is left out is said. */
static bool
is_key_file(const struct entry *e)
{
	const char *name = e->path + strlen("ssh/");

	if (!str_starts(e->path, "ssh/") || strchr(name, '/') || !str_ends(name, ".pub"))
		return false;
	if (!name_is_plain(name))
		leave_out(name, "left out: its name has a colon or a control character");
	else if (e->mode != MODE_FILE && e->mode != MODE_EXEC)
		leave_out(name, "left out: it is not a regular file");
	else if (e->size_bytes > KEY_FILE_MAX_BYTES)
		leave_out(name, "left out: it has more than %d bytes", KEY_FILE_MAX_BYTES);
	else
		return true;
	return false;
}

/* A line that is too long is cut where core sees that it is. */
static void
print_line(const char *name, unsigned number, const char *line, size_t len)
{
	size_t blanks = 0;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	while (blanks < len && (line[blanks] == ' ' || line[blanks] == '\t'))
		blanks++;
	if (blanks == len || line[blanks] == '#')
		return;
	if (memchr(line, '\0', len))
		leave_out(name, "line %u is left out: it is no text", number);
	else
		printf("%s:%u:%.*s\n", name, number, (int)(len > KEY_LINE_CUT_BYTES ? KEY_LINE_CUT_BYTES : len), line);
}

static void
print_file(const char *name, const char *text, size_t len)
{
	unsigned number = 0;

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		print_line(name, ++number, text, line);
		text += line;
		len -= line;
		if (end) {
			text++;
			len--;
		}
	}
}

static int
print_blob(void *ctx, const struct entry *file, const char *text, size_t len)
{
	(void)ctx;
	print_file(file->path + strlen("ssh/"), text, len);
	return 0;
}

/* The key files among the files below ssh/. */
static void
pick_files(const struct tree *all, struct tree *ret_files)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!is_key_file(&all->v[i]))
			continue;
		if (ret_files->n == KEY_FILES_MAX) {
			leave_out("ssh", "only the first %d key files count", KEY_FILES_MAX);
			return;
		}
		tree_add(ret_files, &all->v[i]);
	}
}

int
verb_keys(const struct job *job, char *const *operands, struct err *err)
{
	auto_tree struct tree all = {0};
	auto_tree struct tree files = {0};
	int r = tree_load_dir(job, operands[0], "ssh/", &all, err);

	if (r < 0)
		return r;
	pick_files(&all, &files);
	r = blobs_each(job, &files, print_blob, NULL, err);
	return r < 0 ? err_wrap(err, "cannot read the keys") : r;
}
