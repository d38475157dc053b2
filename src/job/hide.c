#include "job/hide.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/path.h"
#include "job/files.h"
#include "job/names.h"

#define BLANK " \t\r"

struct search {
	const struct job *job;
	int rootfd;
	struct strv seen; /* paths of files */
	struct strv *values;
};

static void
add(struct strv *values, const char *s, size_t len)
{
	auto_buf struct buf quoted = BUF_INIT(2 * HIDE_FILE_MAX_BYTES);
	auto_free char *plain = NULL;

	while (len > 0 && strchr(BLANK, s[len - 1]) != NULL)
		len--;
	if (len < HIDE_MIN)
		return;
	plain = str_printf("%.*s", (int)len, s);
	/* As Go quotes it. */
	for (const char *p = plain; *p != '\0'; p++)
		buf_printf(&quoted, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	if (!strv_has(values, plain))
		strv_add(values, plain);
	if (!strv_has(values, buf_str(&quoted)))
		strv_add(values, buf_str(&quoted));
}

static void
add_value(struct strv *values, const char *s, size_t len)
{
	size_t skip = strspn(s, BLANK);
	const char *comment;

	if (skip >= len)
		return;
	s += skip;
	len -= skip;
	add(values, s, len);
	comment = memmem(s, len, " #", 2);
	if (*s == '"' || *s == '\'') {
		const char *end = memrchr(s + 1, *s, len - 1);

		add(values, s + 1, end != NULL ? (size_t)(end - s - 1) : len - 1);
	} else if (comment != NULL) {
		add(values, s, (size_t)(comment - s));
	}
}

static void
read_line(const char *line, size_t len, bool is_env, struct strv *values)
{
	size_t skip = strspn(line, BLANK);
	const char *name;
	size_t n;

	if (skip >= len || line[skip] == '#')
		return;
	line += skip;
	len -= skip;
	name = str_starts(line, "export ") ? line + strlen("export ") : line;
	n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
	n += strspn(name + n, " \t");
	if (n > 0 && name + n < line + len && (name[n] == '=' || (is_env && name[n] == ':')))
		add_value(values, name + n + 1, len - (size_t)(name + n + 1 - line));
	else if (is_env)
		add(values, line, len);
}

void
hide_values(const char *text, bool is_env, struct strv *ret)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		read_line(text, len, is_env, ret);
		text += len + (text[len] == '\n');
	}
}

static int
longest_first(const void *a, const void *b)
{
	size_t x = strlen(*(char *const *)a), y = strlen(*(char *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

void
hide_in(struct buf *words, struct strv *values)
{
	if (values->n > 1)
		qsort(values->v, values->n, sizeof(*values->v), longest_first);
	for (size_t i = 0; i < values->n; i++) {
		struct buf out = BUF_INIT(words->limit);
		const char *at = buf_str(words), *hit;

		if (strstr(at, values->v[i]) == NULL)
			continue;
		for (; (hit = strstr(at, values->v[i])) != NULL; at = hit + strlen(values->v[i])) {
			buf_add(&out, at, (size_t)(hit - at));
			buf_str_add(&out, "***");
		}
		buf_str_add(&out, at);
		buf_done(words);
		*words = out;
	}
}

static void
read_file(void *arg, const char *path)
{
	struct search *s = arg;
	const char *slash = strrchr(path, '/');
	auto_buf struct buf text = BUF_INIT(HIDE_FILE_MAX_BYTES);
	auto_close int fd = -1;
	struct err err;
	struct stat st;

	if (s->seen.n >= HIDE_FILES_MAX || strv_has(&s->seen, path) || str_ends(path, ".yaml") ||
	    str_ends(path, ".yml"))
		return;
	fd = path_open_beneath(s->rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &err);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || io_read_all(fd, &text, &err) < 0)
		return;
	strv_add(&s->seen, path);
	hide_values(buf_str(&text), strstr(slash != NULL ? slash : path, "env") != NULL, s->values);
}

static void
try_word(void *arg, const char *word)
{
	struct search *s = arg;
	auto_free char *path = names_resolve(s->job->live, "", word);

	if (path != NULL)
		names_expand(s->rootfd, path, read_file, s);
}

void
hide_env_files(const struct job *job, const char *const *files, size_t nfiles, struct buf *words)
{
	auto_strv struct strv values = {0};
	auto_close int rootfd = files_open_root(job->live, NULL);
	struct search s = {.job = job, .rootfd = rootfd, .values = &values};

	if (rootfd < 0 || words->len == 0)
		return;
	read_file(&s, ".env");
	for (size_t i = 0; i < nfiles; i++) {
		auto_buf struct buf text = BUF_INIT(JOB_YAML_MAX_BYTES);

		if (files[i] != NULL && io_read_file(rootfd, files[i], &text, NULL) >= 0)
			names_each_word(buf_str(&text), text.len, try_word, &s);
	}
	hide_in(words, &values);
	strv_done(&s.seen);
}
