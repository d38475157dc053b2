#include "job/unset.h"

#include <fcntl.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "job/job.h"
#include "job/words.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

enum { TOLD_MAX = JOB_COMPLAINTS_MAX };

void
unset_names(const char *words, struct strv *ret)
{
	auto_free char *copy = str_dup(words);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\r\n", &save); line && ret->n < UNSET_MAX;
	     line = strtok_r(NULL, "\r\n", &save)) {
		auto_free char *name = words_unset(line);

		if (name && !strv_has(ret, name))
			strv_add(ret, name);
	}
}

/* Is NAME read behind this "$"? */
static bool
reads(const char *dollar, const char *name)
{
	const char *at = dollar + 1 + (dollar[1] == '{');
	size_t len = strspn(at, NAME_CHARS);

	return len == strlen(name) && strncmp(at, name, len) == 0;
}

int
unset_line(const char *text, const char *name)
{
	int line = 1;

	for (; *text; text++) {
		line += *text == '\n';
		if (*text == '$' && text[1] == '$')
			text++; /* a "$" as such */
		else if (*text == '$' && reads(text, name))
			return line;
	}
	return 0;
}

/* " (compose.yaml:4)" where a file reads it; what is included or extended from elsewhere is not looked for. */
static void
add_place(struct buf *out, const char *name, const char *dir, const char *const *files, size_t nfiles)
{
	for (size_t i = 0; i < nfiles; i++) {
		auto_buf struct buf text = BUF_INIT(JOB_YAML_MAX_BYTES);
		auto_free char *path = files[i] ? str_printf("%s/%s", dir, files[i]) : NULL;
		struct err err;
		int line =
		    path && io_read_file(AT_FDCWD, path, &text, &err) >= 0 ? unset_line(buf_str(&text), name) : 0;

		if (line > 0) {
			buf_printf(out, " (%s:%d)", files[i], line);
			return;
		}
	}
}

void
unset_tell(const struct strv *names, const char *dir, const char *const *files, size_t nfiles)
{
	auto_buf struct buf list = BUF_INIT(8 << 10);

	for (size_t i = 0; i < names->n && i < TOLD_MAX; i++) {
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", names->v[i]);
		add_place(&list, names->v[i], dir, files, nfiles);
	}
	if (names->n > TOLD_MAX)
		buf_printf(&list, " and %zu more", names->n - TOLD_MAX);
	job_say(
	    "%s: %s not set and %s no default: %s; set %s with \"env\" in pgo.toml or in .env, or write ${%s:-default}",
	    files[0], names->n == 1 ? "a variable is" : "variables are", names->n == 1 ? "has" : "have", buf_str(&list),
	    names->n == 1 ? "it" : "them", names->v[0]);
}
