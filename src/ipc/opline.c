#include "ipc/opline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ipc/opalias.h"

/* Where the splitter stands: a state and what it has of the current word. */
struct splitter {
	enum { BLANK, WORD, SINGLE, DOUBLE } state;
	struct buf word;
	struct strv words;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Does a backslash in this state mean the next character itself? */
static bool
is_escapable(const struct splitter *sp, char next)
{
	return sp->state != DOUBLE || strchr("\"\\$`", next) != NULL;
}

static bool
end_word(struct splitter *sp)
{
	sp->state = BLANK;
	if (sp->words.n > OPLINE_ARGS_MAX) /* the first word is no argument */
		return false;
	return strv_add_take(&sp->words, buf_take(&sp->word));
}

/* Takes the character at s, of which left are there. Returns how many were used up, 0 when there are too many words. */
static size_t
step(struct splitter *sp, const char *s, size_t left)
{
	if (*s == '\\' && sp->state != SINGLE && left > 1 && s[1] == '\n')
		return 2; /* a continued line: neither a word nor a blank */
	if (sp->state == BLANK || sp->state == WORD) {
		if (is_blank(*s))
			return sp->state == BLANK || end_word(sp) ? 1 : 0;
		sp->state = WORD;
	}
	if (*s == '\\' && sp->state != SINGLE && left > 1 && is_escapable(sp, s[1])) {
		buf_add(&sp->word, s + 1, 1);
		return 2;
	}
	if (*s == '\'' && sp->state != DOUBLE)
		sp->state = sp->state == SINGLE ? WORD : SINGLE;
	else if (*s == '"' && sp->state != SINGLE)
		sp->state = sp->state == DOUBLE ? WORD : DOUBLE;
	else
		buf_add(&sp->word, s, 1);
	return 1;
}

static int
split(const char *line, size_t len, struct strv *ret_words)
{
	struct splitter sp = {.word = BUF_INIT(OPLINE_MAX)};
	bool ok = true;

	for (size_t i = 0; i < len && ok;) {
		size_t n = step(&sp, line + i, len - i);

		ok = n > 0;
		i += n;
	}
	if (ok && sp.state != BLANK)
		ok = end_word(&sp);
	buf_done(&sp.word);
	if (!ok) {
		strv_done(&sp.words);
		return -E2BIG;
	}
	*ret_words = sp.words;
	return 0;
}

/* Both sides of the one "//", or false. */
static bool
split_first(const char *first, struct opline *ol)
{
	const char *at = strstr(first, "//");

	if (at == NULL || at == first || at[2] == '\0' || strstr(at + 2, "//") != NULL)
		return false;
	ol->service = str_printf("%.*s", (int)(at - first), first);
	ol->op = str_dup(at + 2);
	return true;
}

void
opline_done(struct opline *ol)
{
	free(ol->service);
	free(ol->op);
	ol->service = NULL;
	ol->op = NULL;
	strv_done(&ol->args);
}

int
opline_parse(const char *line, size_t len, struct opline *ret_ol, struct err *err)
{
	auto_opline struct opline ol = OPLINE_INIT;
	auto_strv struct strv words = {NULL, 0};

	if (len > OPLINE_MAX)
		return err_set(err, E2BIG, "more than %d bytes", OPLINE_MAX);
	if (memchr(line, '\0', len) != NULL)
		return err_set(err, EINVAL, "a NUL byte");
	if (split(line, len, &words) < 0)
		return err_set(err, E2BIG, "more than %d arguments", OPLINE_ARGS_MAX);
	if (words.n == 0)
		return err_set(err, ENODATA, "no operation");
	if (!split_first(words.v[0], &ol)) {
		if (!opalias(&words, &ol))
			return err_set(err, EINVAL, "the first word is not service//operation");
		*ret_ol = ol;
		ol = (struct opline)OPLINE_INIT;
		return 0;
	}
	for (size_t i = 1; i < words.n; i++) {
		if (!strv_add(&ol.args, words.v[i]))
			return err_set(err, E2BIG, "more than %d arguments", OPLINE_ARGS_MAX);
	}
	*ret_ol = ol;
	ol = (struct opline)OPLINE_INIT;
	return 0;
}

static void
add_quoted(struct buf *b, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";

	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		buf_str_add(b, word);
		return;
	}
	buf_add(b, "'", 1);
	for (const char *p = word; *p != '\0'; p++) {
		if (*p == '\'')
			buf_str_add(b, "'\\''");
		else
			buf_add(b, p, 1);
	}
	buf_add(b, "'", 1);
}

char *
opline_format(const char *first, char *const *args, size_t nargs)
{
	/* Whoever reads the line has its own limit; here every word must come out whole. */
	struct buf b = BUF_INIT(SIZE_MAX / 2);

	add_quoted(&b, first);
	for (size_t i = 0; i < nargs; i++) {
		buf_add(&b, " ", 1);
		add_quoted(&b, args[i]);
	}
	return buf_take(&b);
}
