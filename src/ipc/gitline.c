#include "ipc/gitline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"

enum { PATH_MAX_BYTES = 256, PATH_SHOWN_BYTES = 4 * PATH_MAX_BYTES };

static const struct {
	const char *command;
	const char *op;
	const char *job;
} verbs[] = {
    [GITLINE_RECEIVE] = {"git-receive-pack", "push", "receive-pack"},
    [GITLINE_UPLOAD] = {"git-upload-pack", "fetch", "upload-pack"},
    [GITLINE_ARCHIVE] = {"git-upload-archive", "fetch", "upload-archive"},
};

const char *
gitline_op(enum gitline_verb verb)
{
	return verbs[verb].op;
}

const char *
gitline_job(enum gitline_verb verb)
{
	return verbs[verb].job;
}

/* What stands behind the verb and its space, NULL for a line that is none of git's. */
static const char *
skip_verb(const char *line, size_t len, enum gitline_verb *ret_verb)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		size_t n = strlen(verbs[i].command);

		if (len < n || memcmp(line, verbs[i].command, n) != 0 || (len > n && line[n] != ' '))
			continue;
		*ret_verb = (enum gitline_verb)i;
		return line + n + (len > n);
	}
	return NULL;
}

/* One word as git's clients quote it: all in single quotes, but for ' and !, which are '\'' and '\!'. False for
 * anything else. */
static bool
unquote(const char *s, size_t len, struct buf *ret)
{
	size_t i = 1;

	if (len < 2 || s[0] != '\'')
		return false;
	while (i < len) {
		if (s[i] != '\'') {
			buf_add(ret, s + i++, 1);
			continue;
		}
		if (i + 1 == len)
			return !ret->full;
		if (len - i < 4 || s[i + 1] != '\\' || (s[i + 2] != '\'' && s[i + 2] != '!') || s[i + 3] != '\'')
			return false;
		buf_add(ret, s + i + 2, 1);
		i += 4;
	}
	return false;
}

static int
take_name(const char *path, struct gitline *g, struct err *err)
{
	auto_free char *name = str_dup(path + (path[0] == '/'));
	size_t len = strlen(name);
	struct err why = ERR_INIT;

	if (len > 0 && name[len - 1] == '/')
		name[--len] = '\0';
	if (str_ends(name, ".git"))
		name[len - strlen(".git")] = '\0';
	if (appname_check(name, &why) < 0) {
		auto_buf struct buf shown = BUF_INIT(PATH_SHOWN_BYTES);

		buf_vis(&shown, name, strlen(name), false);
		return err_set(err, EINVAL, "the repository's name, \"%s\", %s", buf_str(&shown), why.msg);
	}
	snprintf(g->name, sizeof(g->name), "%s", name);
	appname_service(name, g->service);
	return 0;
}

int
gitline_parse(const char *line, size_t len, struct gitline *ret, struct err *err)
{
	auto_buf struct buf path = BUF_INIT(PATH_MAX_BYTES);
	struct gitline g = {0};
	const char *word = skip_verb(line, len, &g.verb);

	if (word == NULL)
		return 0;
	if (!unquote(word, len - (size_t)(word - line), &path) || memchr(buf_str(&path), '\0', path.len) != NULL)
		return err_set(err, EINVAL, "%s wants one name in single quotes behind it", verbs[g.verb].command);
	if (take_name(buf_str(&path), &g, err) < 0)
		return -err->num;
	*ret = g;
	return 1;
}
