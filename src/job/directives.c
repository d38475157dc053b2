#include "job/directives.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"

#define BLANK " \t\r"

static const char *const names[] = {
    [DIRECTIVE_ADD_NAME] = "ADD_NAME",
    [DIRECTIVE_LINK_SERVICE] = "LINK_SERVICE",
    [DIRECTIVE_MOUNT_FROM_HOST] = "MOUNT_FROM_HOST",
    [DIRECTIVE_NO_HTTP_PROXY] = "NO_HTTP_PROXY",
    [DIRECTIVE_PORTS_FROM_HOST] = "PORTS_FROM_HOST",
    [DIRECTIVE_VOLUMES_FROM] = "VOLUMES_FROM",
};
_Static_assert(ARRAY_LEN(names) == DIRECTIVE_WORDS, "every word has its row");

const char *
directive_name(enum directive_word word)
{
	return names[word];
}

void
directives_done(struct directives *d)
{
	for (size_t i = 0; i < d->n; i++)
		strv_done(&d->v[i].args);
	free(d->v);
	*d = (struct directives){NULL, 0};
}

static bool
find_word(const char *text, size_t len, enum directive_word *ret)
{
	for (size_t i = 0; i < DIRECTIVE_WORDS; i++) {
		if (strlen(names[i]) == len && strncasecmp(names[i], text, len) == 0) {
			*ret = (enum directive_word)i;
			return true;
		}
	}
	return false;
}

static void
add_args(struct directive *d, const char *rest)
{
	for (rest += strspn(rest, BLANK); *rest != '\0' && d->args.n <= DIRECTIVE_ARGS_MAX;
	     rest += strspn(rest, BLANK)) {
		size_t len = strcspn(rest, BLANK);

		strv_add_take(&d->args, str_printf("%.*s", (int)len, rest));
		rest += len;
	}
}

static int
add_line(struct directives *all, const char *line, int lineno, struct err *err)
{
	enum directive_word word;
	size_t len;

	if (!str_starts(line, "# "))
		return 0;
	line += 2;
	len = strcspn(line, BLANK);
	if (!find_word(line, len, &word))
		return 0;
	if (all->n == DIRECTIVES_MAX)
		return err_set(err, E2BIG, "line %d: there are more than %d directives", lineno, DIRECTIVES_MAX);
	all->v = reallocarray(all->v, all->n + 1, sizeof(*all->v));
	if (all->v == NULL)
		abort();
	all->v[all->n] = (struct directive){.word = word, .line = lineno};
	add_args(&all->v[all->n++], line + len);
	return 0;
}

int
directives_read(const char *text, size_t len, struct directives *ret, struct err *err)
{
	auto_directives struct directives all = {NULL, 0};
	const char *end = text + len;
	int lineno = 1;

	for (const char *line = text; line < end; lineno++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((stop != NULL ? stop : end) - line);
		char copy[DIRECTIVE_LINE_MAX];
		int rc;

		/* Longer ones are no directive: nobody's path is that long. */
		if (n < sizeof(copy)) {
			memcpy(copy, line, n);
			copy[n] = '\0';
			rc = add_line(&all, copy, lineno, err);
			if (rc < 0)
				return rc;
		}
		line += n + 1;
	}
	*ret = all;
	all = (struct directives){NULL, 0};
	return 0;
}
