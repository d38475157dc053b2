#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "job/blobs.h"
#include "job/job.h"
#include "job/tree.h"

enum {
	KEY_FILES_MAX = 256,
	KEY_FILE_MAX_BYTES = 64 << 10,
	KEY_LINE_MAX_BYTES = 16 << 10,
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

/* ssh/NAME.pub, a regular file that is not too large. What is left out is said. */
static bool
is_key_file(const struct entry *e)
{
	const char *name = e->path + strlen("ssh/");

	if (!str_starts(e->path, "ssh/") || strchr(name, '/') || !str_ends(name, ".pub"))
		return false;
	if (!name_is_plain(name))
		job_say("the key file %s is left out: its name has a colon or a control character", e->path);
	else if (e->mode != MODE_FILE && e->mode != MODE_EXEC)
		job_say("the key file %s is left out: it is not a regular file", e->path);
	else if (e->size_bytes > KEY_FILE_MAX_BYTES)
		job_say("the key file %s is left out: it has more than %d bytes", e->path, KEY_FILE_MAX_BYTES);
	else
		return true;
	return false;
}

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
	if (len > KEY_LINE_MAX_BYTES || memchr(line, '\0', len)) {
		job_say("line %u of ssh/%s is left out: it is no key", number, name);
		return;
	}
	printf("%s:%u:%.*s\n", name, number, (int)len, line);
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
			job_say("only the first %d key files count", KEY_FILES_MAX);
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
