#include "ipc/hostname.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#define LABEL_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-_"

static int
check_label(const char *s, size_t len, struct err *err)
{
	if (len == 0)
		return err_set(err, EINVAL, "has an empty part: write it like www.example.org");
	if (len > HOSTNAME_LABEL_MAX)
		return err_set(err, EINVAL, "has a part of %zu bytes: %d are allowed", len, HOSTNAME_LABEL_MAX);
	if (s[0] == '-' || s[len - 1] == '-')
		return err_set(err, EINVAL, "has a part that begins or ends with \"-\"");
	return 0;
}

/* What stands for an address, the engine's DNS and browsers would never ask for as a name. */
static bool
is_number(const char *label)
{
	return label[strspn(label, "0123456789")] == '\0';
}

static int
check_bytes(const char *s, struct err *err)
{
	const char *bad = s + strspn(s, LABEL_CHARS ".");

	if (*bad >= 'A' && *bad <= 'Z')
		return err_set(err, EINVAL, "has capital letters: write it in lower case");
	if (*bad == '*')
		return err_set(err, EINVAL, "has a \"*\" that does not stand for the whole first part");
	if (*bad == ':' || *bad == '/')
		return err_set(err, EINVAL, "is more than a host name: write it without scheme, port and path");
	if (*bad != '\0')
		return err_set(
		    err, EINVAL, "is no host name: its parts hold lower-case letters, digits, \"-\" and \"_\"");
	return 0;
}

int
hostname_check(const char *s, struct err *err)
{
	bool wild = str_starts(s, "*.");
	const char *last = s;
	size_t parts = 0;
	int rc;

	if (strlen(s) > HOSTNAME_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), HOSTNAME_MAX);
	s += wild ? 2 : 0;
	rc = check_bytes(s, err);
	for (const char *p = s; rc == 0; p++) {
		size_t len = strcspn(p, ".");

		last = p;
		parts++;
		rc = check_label(p, len, err);
		p += len;
		if (*p == '\0')
			break;
	}
	if (rc < 0)
		return rc;
	if (parts < 2)
		return err_set(err, EINVAL, "%s",
		    wild ? "stands for too much: write two parts behind \"*.\", like *.example.org"
			 : "is one word: write the whole name, like www.example.org");
	return is_number(last) ? err_set(err, EINVAL, "is an address, or ends like one: write a name") : 0;
}

bool
hostname_covers(const char *a, const char *b)
{
	const char *rest = strchr(b, '.');

	return str_eq(a, b) || (str_starts(a, "*.") && rest != NULL && str_eq(a + 1, rest));
}
