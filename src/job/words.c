#include "job/words.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "job/job.h"

enum { LINE_MAX_BYTES = 8 << 10 };

/* The content of key="…" in a logging line, unescaped; false when it is not there. */
static bool
take_field(struct buf *ret, const char *line, const char *key)
{
	const char *at = strstr(line, key);

	if (!at)
		return false;
	for (at += strlen(key); *at && *at != '"'; at++) {
		if (*at == '\\' && at[1]) {
			at++;
			buf_add(ret, *at == 'n' || *at == 't' ? " " : at, 1);
		} else {
			buf_add(ret, at, 1);
		}
	}
	return true;
}

void
words_clean_line(struct buf *ret, const char *line)
{
	if (!str_starts(line, "time=\"") || !strstr(line, "msg=\"")) {
		buf_str_add(ret, line);
		return;
	}
	if (strstr(line, "level=warning"))
		buf_str_add(ret, "warning: ");
	take_field(ret, line, " msg=\"");
}

/* As every version of compose has said it. What a repository could make of it refuses only its own commits. */
char *
words_unset(const char *line)
{
	static const char before[] = "warning: The \"", behind[] = "\" variable is not set";
	auto_buf struct buf clean = BUF_INIT(LINE_MAX_BYTES);
	const char *name, *end;

	words_clean_line(&clean, line);
	if (!str_starts(buf_str(&clean), before))
		return NULL;
	name = buf_str(&clean) + strlen(before);
	end = strchr(name, '"');
	return end && end > name && str_starts(end, behind) ? str_printf("%.*s", (int)(end - name), name) : NULL;
}

static bool
is_outside(const char *word, const char *live)
{
	auto_free char *clean = path_clean(word);

	return clean && clean[1] != '\0' && !path_is_beneath(live, clean, NULL);
}

bool
words_name_outside(const char *text, const char *live)
{
	auto_free char *copy = str_dup(text);
	char *save = NULL;

	for (char *word = strtok_r(copy, " \t\r\n\"'`,;", &save); word; word = strtok_r(NULL, " \t\r\n\"'`,;", &save)) {
		size_t len = strlen(word);

		while (len > 0 && strchr(":.)", word[len - 1]) && !str_ends(word, ".."))
			word[--len] = '\0';
		word += strspn(word, "(");
		if (str_starts(word, "../") || strstr(word, "/../") || str_ends(word, "/..") || is_outside(word, live))
			return true;
	}
	return false;
}

static bool
is_missing_file(const char *text)
{
	return strstr(text, "no such file") || strstr(text, "not found") || strstr(text, "not exist") ||
	       strstr(text, "permission denied");
}

void
words_tell(const char *text, const char *live, bool failed)
{
	auto_free char *copy = str_dup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
		auto_buf struct buf clean = BUF_INIT(LINE_MAX_BYTES);
		auto_free char *unset = words_unset(line);

		if (unset)
			continue;
		words_clean_line(&clean, line);
		job_say("%s", buf_str(&clean));
	}
	if (failed && is_missing_file(text) && words_name_outside(text, live))
		job_say("files outside the repository are not visible when a compose file is resolved: commit the "
			"file, or put it "
			"into the checkout and name it relative to the compose file");
}
