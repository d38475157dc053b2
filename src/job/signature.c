#include "job/signature.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

#define GOOD "Good \"git\" signature "

/* The value of a header line, NULL when the line is another one's. */
static const char *
header_value(const char *line, size_t len, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	if (len <= n || memcmp(line, name, n) != 0 || line[n] != ' ')
		return NULL;
	*ret_len = len - n - 1;
	return line + n + 1;
}

static void
set_word(char ret[COMMIT_WORD_MAX + 1], const char *word, size_t len)
{
	if (len > COMMIT_WORD_MAX)
		len = COMMIT_WORD_MAX;
	memcpy(ret, word, len);
	ret[len] = '\0';
}

/* "Tess <tess@example.org> 1700000000 +0100": the times are not part of the name. */
static size_t
name_len(const char *value, size_t len)
{
	const char *end = memrchr(value, '>', len);

	return end ? (size_t)(end - value) + 1 : len;
}

static void
read_header(const char *line, size_t len, struct commit_words *ret)
{
	static const char ssh[] = "-----BEGIN SSH SIGNATURE-----";
	size_t n = 0;
	const char *value = header_value(line, len, "author", &n);

	if (value)
		set_word(ret->author, value, name_len(value, n));
	value = header_value(line, len, "gpgsig", &n);
	if (!value)
		value = header_value(line, len, "gpgsig-sha256", &n);
	if (value)
		ret->signature =
		    n >= strlen(ssh) && memcmp(value, ssh, strlen(ssh)) == 0 ? SIGNATURE_SSH : SIGNATURE_OTHER;
}

void
commit_words_read(const char *text, size_t len, struct commit_words *ret)
{
	bool in_header = true;

	*ret = (struct commit_words){0};
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		if (in_header && line > 0) {
			read_header(text, line, ret);
		} else if (line > 0) {
			set_word(ret->subject, text, line);
			return;
		} else {
			in_header = false;
		}
		text += line + (end != NULL);
		len -= line + (end != NULL);
	}
}

/* The sentence among those that "; " divides that begins with `start`, without it; *ret_len is its length. */
static const char *
find_sentence(const char *words, const char *start, size_t *ret_len)
{
	for (const char *at = words; at; at = strstr(at, "; ")) {
		at += str_starts(at, "; ") ? 2 : 0;
		if (!str_starts(at, start))
			continue;
		at += strlen(start);
		*ret_len = strstr(at, "; ") ? (size_t)(strstr(at, "; ") - at) : strlen(at);
		return at;
	}
	return NULL;
}

void
signature_explain(const char *words, const char *signers, struct buf *ret)
{
	auto_free char *place = str_printf("%s:", signers);
	size_t key_len = 0, why_len = 0;
	const char *key = find_sentence(words, GOOD "with ", &key_len);
	const char *why = find_sentence(words, place, &why_len);

	if (!key && !why) {
		buf_str_add(ret, "does not match its signature");
		return;
	}
	buf_printf(ret, "is signed%s%.*s, ", key ? " with the " : "", (int)key_len, key ? key : "");
	if (why)
		buf_printf(ret, "and the signers' file says in line %.*s", (int)why_len, why);
	else
		buf_str_add(ret, "which is none of the signers'");
}

bool
signature_is_judged(const char *words)
{
	static const char *const troubles[] = {"could not create temporary file", "failed writing detached signature",
	    "No space left", "Cannot allocate memory", "cannot run", "cannot fork"};

	for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
		if (strstr(words, troubles[i]))
			return false;
	return *words != '\0';
}

void
signature_signer(const char *words, struct buf *ret)
{
	size_t len = 0;
	const char *signer = find_sentence(words, GOOD "for ", &len);

	if (signer)
		buf_add(ret, signer, len);
}
