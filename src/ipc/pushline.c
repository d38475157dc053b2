#include "ipc/pushline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

static const struct {
	const char *name;
	enum { ALONE, A_REF, A_TEXT } behind;
} words[] = {
    [PUSHLINE_ASK] = {"ask", ALONE},
    [PUSHLINE_DEPLOY] = {"deploy", ALONE},
    [PUSHLINE_REF] = {"ref", A_REF},
    [PUSHLINE_END] = {"end", ALONE},
    [PUSHLINE_SAY] = {"say", A_TEXT},
    [PUSHLINE_OK] = {"ok", ALONE},
    [PUSHLINE_NO] = {"no", A_TEXT},
};

bool
pushline_is_none(const char *oid)
{
	return oid[strspn(oid, "0")] == '\0';
}

int
pushline_check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);
	auto_buf struct buf plain = BUF_INIT(8 * PUSH_NAME_MAX);

	if (len > PUSH_NAME_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", len, PUSH_NAME_MAX);
	if (!str_starts(name, "refs/"))
		return err_set(err, EINVAL, "does not begin with refs/");
	buf_vis(&plain, name, len, false);
	if (!str_eq(buf_str(&plain), name) || strpbrk(name, " \t") != NULL)
		return err_set(err, EINVAL, "holds what is no UTF-8, or cannot be shown: give it a plain name");
	return 0;
}

/* Takes what stands before the next blank, or the rest, from *s. False when it is longer than fits. */
static bool
take_word(const char **s, char *ret, size_t size)
{
	size_t len = strcspn(*s, " ");

	if (len >= size)
		return false;
	memcpy(ret, *s, len);
	ret[len] = '\0';
	*s += len + ((*s)[len] == ' ');
	return true;
}

static int
parse_ref(const char *s, struct pushline_ref *ret, struct err *err)
{
	struct pushline_ref ref = {0};
	struct err why = ERR_INIT;

	if (!take_word(&s, ref.old, sizeof(ref.old)) || !take_word(&s, ref.new, sizeof(ref.new)) ||
	    !str_is_oid(ref.old) || !str_is_oid(ref.new) || strlen(ref.old) != strlen(ref.new))
		return err_set(err, EBADMSG, "a change without two object names of one length");
	if (pushline_check_name(s, &why) < 0)
		return err_set(err, EBADMSG, "the name of a ref %s", why.msg);
	snprintf(ref.name, sizeof(ref.name), "%s", s);
	*ret = ref;
	return 0;
}

/* What a word has behind it, NULL when the line does not begin with it as a whole. */
static const char *
behind(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (!str_starts(text, word))
		return NULL;
	if (text[len] == ' ')
		return text + len + 1;
	return text[len] == '\0' ? text + len : NULL;
}

int
pushline_parse(const char *line, size_t len, struct pushline *ret, struct err *err)
{
	struct pushline l = {0};
	char text[PUSHLINE_MAX + 1];

	if (len > PUSHLINE_MAX)
		return err_set(err, EBADMSG, "a line of %zu bytes", len);
	if (memchr(line, '\0', len) != NULL || memchr(line, '\n', len) != NULL)
		return err_set(err, EBADMSG, "a line with a NUL byte or an end in it");
	memcpy(text, line, len);
	text[len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *rest = behind(text, words[i].name);

		if (rest == NULL)
			continue;
		l.word = (enum pushline_word)i;
		if (words[i].behind == ALONE && text[strlen(words[i].name)] != '\0')
			return err_set(err, EBADMSG, "something behind \"%s\"", words[i].name);
		if (words[i].behind == A_TEXT)
			snprintf(l.text, sizeof(l.text), "%s", rest);
		if (words[i].behind == A_REF && parse_ref(rest, &l.ref, err) < 0)
			return -err->num;
		*ret = l;
		return 0;
	}
	return err_set(err, EBADMSG, "a line of no known kind");
}

void
pushline_add(struct buf *b, enum pushline_word word, const char *text)
{
	auto_buf struct buf line = BUF_INIT(PUSHLINE_MAX);

	buf_str_add(&line, words[word].name);
	if (words[word].behind == A_TEXT) {
		buf_str_add(&line, " ");
		buf_vis(&line, text, strlen(text), false);
	}
	buf_add(b, buf_str(&line), line.len);
	buf_add(b, "\n", 1);
}

void
pushline_add_ref(struct buf *b, const struct pushline_ref *ref)
{
	buf_printf(b, "%s %s %s %s\n", words[PUSHLINE_REF].name, ref->old, ref->new, ref->name);
}
