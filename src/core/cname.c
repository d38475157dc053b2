#include "core/cname.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ipc/hostname.h"

enum { SHOWN_MAX = 100 }; /* bytes of a line that is no name */

#define BLANKS " \t\r"

void
cname_done(struct cname *c)
{
	strv_done(&c->names);
}

static int
refuse(int line, const char *text, const struct err *why, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(4 * SHOWN_MAX);
	size_t len = strlen(text);

	buf_vis(&shown, text, len < SHOWN_MAX ? len : SHOWN_MAX, false);
	return err_set(err, EINVAL, "CNAME:%d: %s%s %s", line, buf_str(&shown), len < SHOWN_MAX ? "" : "…", why->msg);
}

/* A line without its end. */
static int
read_line(struct cname *c, int line, const char *text, size_t len, struct err *err)
{
	auto_free char *copy = str_printf("%.*s", (int)len, text);
	char *name = copy + strspn(copy, BLANKS);
	struct err why = ERR_INIT;

	if (memchr(text, '\0', len) != NULL)
		return err_set(err, EINVAL, "CNAME:%d: this is not a line of text", line);
	for (size_t end = strlen(name); end > 0 && strchr(BLANKS, name[end - 1]) != NULL; end--)
		name[end - 1] = '\0';
	if (name[0] == '\0' || name[0] == '#' || strv_has(&c->names, name))
		return 0;
	if (hostname_check(name, &why) < 0)
		return refuse(line, name, &why, err);
	if (c->names.n == CNAME_NAMES_MAX)
		return err_set(err, EINVAL, "CNAME:%d: more than %d names are not allowed", line, CNAME_NAMES_MAX);
	c->lines[c->names.n] = line;
	strv_add(&c->names, name);
	return 0;
}

int
cname_parse(const char *text, size_t len, struct cname *ret, struct err *err)
{
	struct cname c = {0};
	int rc = 0;
	int line = 0;

	for (size_t at = 0; rc == 0 && at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - text) - at : len - at;

		rc = read_line(&c, ++line, text + at, n, err);
		at += n + 1;
	}
	if (rc < 0)
		cname_done(&c);
	else
		*ret = c;
	return rc;
}
