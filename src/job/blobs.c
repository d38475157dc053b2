#include "job/blobs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "job/git.h"
#include "job/remote.h"

enum {
	BATCH_BYTES = 16 << 20, /* of content, in one run of git; a larger file is one of its own */
	BATCH_FILES = 65536,
	HEADER_MAX_BYTES = 128,
};

/* How many of the files from `first` on are read together; *ret_bytes: what git answers at most. */
static size_t
batch_size(const struct tree *files, size_t first, size_t *ret_bytes)
{
	size_t n = 0, bytes = 0;

	for (; first + n < files->n && n < BATCH_FILES; n++) {
		size_t more = (size_t)files->v[first + n].size_bytes + HEADER_MAX_BYTES;

		if (n > 0 && bytes + more > BATCH_BYTES)
			break;
		bytes += more;
	}
	*ret_bytes = bytes;
	return n;
}

/* Takes the answers of cat-file --batch apart: "OID blob SIZE\n", the bytes, "\n". */
static int
walk(const struct entry *files, size_t n, const struct buf *out,
    int (*each)(void *ctx, const struct entry *file, const char *text, size_t len), void *ctx, struct err *err)
{
	const char *at = buf_str(out);
	size_t left = out->len;

	for (size_t i = 0; i < n; i++) {
		const char *end = memchr(at, '\n', left < HEADER_MAX_BYTES ? left : HEADER_MAX_BYTES);
		size_t header = end ? (size_t)(end - at) + 1 : 0;
		unsigned long long size;
		int r;

		if (!end || !memchr(at, ' ', header) || sscanf(at, "%*64[0-9a-f] blob %llu", &size) != 1 ||
		    size >= left - header)
			return err_set(err, EBADMSG, "cannot read %s of the commit", files[i].path);
		r = each(ctx, &files[i], at + header, size);
		if (r != 0)
			return r;
		at += header + size + 1;
		left -= header + size + 1;
	}
	return 0;
}

int
blobs_each(const struct job *job, const struct tree *files,
    int (*each)(void *ctx, const struct entry *file, const char *text, size_t len), void *ctx, struct err *err)
{
	static const char *const args[] = {"cat-file", "--batch", NULL};
	size_t bytes, n;
	int r = 0;

	for (size_t first = 0; first < files->n && r == 0; first += n) {
		auto_buf struct buf oids = BUF_INIT(BATCH_FILES * (size_t)REMOTE_OID_SIZE);

		n = batch_size(files, first, &bytes);
		auto_buf struct buf out = BUF_INIT(bytes);

		for (size_t i = 0; i < n; i++)
			buf_printf(&oids, "%s\n", files->v[first + i].oid);
		if (git_do(job, &(struct git_call){.args = args, .in = buf_str(&oids), .in_len = oids.len, .out = &out},
			"cannot read the commit's files", err) < 0)
			return -err->num;
		r = walk(files->v + first, n, &out, each, ctx, err);
	}
	return r;
}
