#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/git.h"
#include "job/job.h"
#include "job/tree.h"

enum {
	KEY_FILES_MAX = 256,
	KEY_FILE_MAX_BYTES = 64 << 10,
	KEY_LINE_MAX_BYTES = 16 << 10,
	HEADER_MAX_BYTES = 128,
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

/* Takes the answers of cat-file --batch apart: "OID blob SIZE\n", the bytes, "\n". */
static int
print_blobs(const struct tree *files, const char *at, size_t left, struct err *err)
{
	for (size_t i = 0; i < files->n; i++) {
		const char *name = files->v[i].path + strlen("ssh/");
		const char *end = memchr(at, '\n', left < HEADER_MAX_BYTES ? left : HEADER_MAX_BYTES);
		size_t header = end ? (size_t)(end - at) + 1 : 0;
		unsigned long long size;

		if (!end || !memchr(at, ' ', header) || sscanf(at, "%*64[0-9a-f] blob %llu", &size) != 1 ||
		    size >= left - header)
			return err_set(err, EBADMSG, "cannot read ssh/%s of the commit", name);
		print_file(name, at + header, size);
		at += header + size + 1;
		left -= header + size + 1;
	}
	return 0;
}

/* The key files among the files below ssh/. */
static void
pick_files(const struct tree *all, struct tree *ret_files, struct buf *ret_oids)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!is_key_file(&all->v[i]))
			continue;
		if (ret_files->n == KEY_FILES_MAX) {
			job_say("only the first %d key files count", KEY_FILES_MAX);
			return;
		}
		tree_add(ret_files, &all->v[i]);
		buf_printf(ret_oids, "%s\n", all->v[i].oid);
	}
}

int
verb_keys(const struct job *job, char *const *operands, struct err *err)
{
	static const char *const args[] = {"cat-file", "--batch", NULL};
	auto_tree struct tree all = {0};
	auto_tree struct tree files = {0};
	auto_buf struct buf oids = BUF_INIT(KEY_FILES_MAX * HEADER_MAX_BYTES);
	auto_buf struct buf out = BUF_INIT(KEY_FILES_MAX * (KEY_FILE_MAX_BYTES + HEADER_MAX_BYTES));
	int r = tree_load_dir(job, operands[0], "ssh/", &all, err);

	if (r < 0)
		return r;
	pick_files(&all, &files, &oids);
	r = git_do(job, &(struct git_call){.args = args, .in = buf_str(&oids), .in_len = oids.len, .out = &out},
	    "cannot read the keys", err);
	if (r < 0)
		return r;
	return print_blobs(&files, buf_str(&out), out.len, err);
}
