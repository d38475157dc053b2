#include "ctl/target.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "ipc/opname.h"

void
target_done(struct target *t)
{
	free(TAKE(t->user));
	free(TAKE(t->host));
	free(TAKE(t->op));
}

static int
check_op(const char *text, const char *op, struct err *err)
{
	const char *sep = strstr(op, "//");

	if (sep == NULL || sep == op || sep[2] == '\0' || sep[2] == '/' || strstr(sep + 2, "//") != NULL)
		return err_set(err, EINVAL, "%s: expected HOST:SERVICE//OPERATION, as in example.org:web//ps", text);
	return 0;
}

/* Finds the end of the host: *ret_host and *ret_len without brackets, returns what stands behind it. */
static const char *
split_host(const char *text, const char **ret_host, size_t *ret_len)
{
	const char *end;

	if (text[0] == '[') {
		end = strchr(text, ']');
		*ret_host = text + 1;
		*ret_len = end == NULL ? 0 : (size_t)(end - text - 1);
		return end == NULL ? "" : end + 1;
	}
	*ret_host = text;
	*ret_len = strcspn(text, ":");
	return text + *ret_len;
}

int
target_parse(const char *text, struct target *ret_t, struct err *err)
{
	const char *at = strpbrk(text, "@:[");
	const char *rest = text;
	const char *host;
	size_t len;
	bool user = at != NULL && *at == '@';
	int rc;

	if (str_starts(text, OPNAME_HOST))
		return err_set(err, EINVAL, "%s: of which host? As in example.org:%s", text, text);
	if (user && at == text)
		return err_set(err, EINVAL, "%s: nothing stands before the @", text);
	if (user)
		rest = at + 1;
	rest = split_host(rest, &host, &len);
	if (len == 0 || *rest != ':')
		return err_set(err, EINVAL,
		    "%s: expected HOST:SERVICE//OPERATION, as in example.org:web//ps or [2001:db8::1]:web//ps", text);
	rc = check_op(text, rest + 1, err);
	if (rc < 0)
		return rc;
	ret_t->user = user ? str_printf("%.*s", (int)(at - text), text) : NULL;
	ret_t->host = str_printf("%.*s", (int)len, host);
	ret_t->op = str_dup(rest + 1);
	return 0;
}
