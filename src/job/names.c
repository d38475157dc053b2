#include "job/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "job/tree.h"

enum { LOOKED_AT_MAX = 8192, DEFAULTS_DEPTH_MAX = 8 };

struct words {
	void (*word)(void *arg, const char *word);
	void *arg;
};

static void split(const struct words *w, const char *text, size_t len, int depth);

/* text begins behind "${": the length up to its closing brace. */
static size_t
braces_len(const char *text, size_t len)
{
	int open = 1;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '{')
			open++;
		else if ((text[i] == '}' && --open == 0) || text[i] == '\n')
			return i;
	}
	return len;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* text begins at "$". Returns how much of it is the variable; 0 when it is none. */
static size_t
skip_variable(const struct words *w, const char *text, size_t len, int depth)
{
	size_t n = 1;

	if (len > 1 && text[1] == '{') {
		size_t inner = braces_len(text + 2, len - 2);
		size_t name = 0;

		while (name < inner && is_name_char(text[2 + name]))
			name++;
		name += name < inner && text[2 + name] == ':';
		if (name < inner && depth < DEFAULTS_DEPTH_MAX)
			split(w, text + 2 + name + 1, inner - name - 1, depth + 1);
		return 2 + inner + (2 + inner < len && text[2 + inner] == '}');
	}
	while (n < len && is_name_char(text[n]))
		n++;
	return n > 1 ? n : 0;
}

static void
end_word(const struct words *w, struct buf *word)
{
	while (word->len > 0 && word->data[word->len - 1] == ':')
		word->data[--word->len] = '\0';
	if (word->len > 0 && !word->full)
		w->word(w->arg, buf_str(word));
	buf_reset(word);
	word->full = false;
}

static void
split(const struct words *w, const char *text, size_t len, int depth)
{
	auto_buf struct buf word = BUF_INIT(NAMES_WORD_MAX);

	for (size_t i = 0; i < len;) {
		size_t var = text[i] == '$' ? skip_variable(w, text + i, len - i, depth) : 0;

		if (var > 0) {
			buf_add(&word, "*", 1);
			i += var;
			continue;
		}
		if ((unsigned char)text[i] <= ' ' || strchr("'\"[]{},", text[i]))
			end_word(w, &word);
		else
			buf_add(&word, text + i, 1);
		i++;
	}
	end_word(w, &word);
}

void
names_each_word(const char *text, size_t len, void (*word)(void *arg, const char *word), void *arg)
{
	split(&(struct words){word, arg}, text, len, 0);
}

char *
names_resolve(const char *root_path, const char *dir, const char *word)
{
	auto_free char *whole = word[0] == '/' ? str_dup(word) : str_printf("%s/%s/%s", root_path, dir, word);
	auto_free char *clean = path_clean(whole);
	const char *rel = NULL;

	if (!clean || !path_is_beneath(root_path, clean, &rel) || !*rel || !tree_path_is_safe(rel))
		return NULL;
	return str_dup(rel);
}

struct expansion {
	int rootfd;
	unsigned looked_at;
	void (*path)(void *arg, const char *path);
	void *arg;
};

static bool
fits(const char *pattern, const char *name)
{
	if (pattern[strspn(pattern, "*")] == '\0' && !strcasestr(name, "env"))
		return false;
	return fnmatch(pattern, name, FNM_NOESCAPE) == 0;
}

static void expand(struct expansion *x, const char *done, const char *rest);

static void
expand_dir(struct expansion *x, const char *done, const char *pattern, const char *rest)
{
	struct err err;
	int fd = path_open_beneath(x->rootfd, *done ? done : ".", O_RDONLY | O_DIRECTORY, 0, &err);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e = readdir(d); e && x->looked_at++ < LOOKED_AT_MAX; e = readdir(d)) {
		auto_free char *next = str_printf("%s%s%s", done, *done ? "/" : "", e->d_name);

		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") && fits(pattern, e->d_name))
			expand(x, next, rest);
	}
	closedir(d);
}

/* done: no "*" in it any more; rest: components to come, NULL when there are none. */
static void
expand(struct expansion *x, const char *done, const char *rest)
{
	size_t len = rest ? strcspn(rest, "/") : 0;
	auto_free char *part = rest ? str_printf("%.*s", (int)len, rest) : NULL;
	const char *next = rest && rest[len] ? rest + len + 1 : NULL;

	if (!rest) {
		x->path(x->arg, done);
	} else if (strchr(part, '*')) {
		expand_dir(x, done, part, next);
	} else {
		auto_free char *path = str_printf("%s%s%s", done, *done ? "/" : "", part);

		expand(x, path, next);
	}
}

void
names_expand(int rootfd, const char *pattern, void (*path)(void *arg, const char *path), void *arg)
{
	expand(&(struct expansion){rootfd, 0, path, arg}, "", pattern);
}
