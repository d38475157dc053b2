#include "ipc/appname.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"

/* Each part between dots is a label of a host name. */
static bool
parts_are_labels(const char *s)
{
	for (const char *p = s;; p++) {
		size_t len = strcspn(p, ".");

		if (len == 0 || p[0] == '-' || p[len - 1] == '-')
			return false;
		p += len;
		if (*p == '\0')
			return true;
	}
}

int
appname_check(const char *s, struct err *err)
{
	if (s[0] == '\0')
		return err_set(err, EINVAL, "is empty: write a name such as \"shop\"");
	if (s[strspn(s, ALNUM ".-")] != '\0')
		return err_set(err, EINVAL, "may hold only a-z, 0-9, \"-\" and \".\": write a name such as \"shop\"");
	if (!parts_are_labels(s))
		return err_set(err, EINVAL,
		    "must begin and end with a letter or a digit, and so must each part of it between dots: write a name "
		    "such as \"shop\"");
	if (str_ends(s, ".git"))
		return err_set(err, EINVAL, "ends with \".git\": leave that away");
	if (strlen(s) > APPNAME_MAX)
		return err_set(err, EINVAL, "has %zu characters: %d are allowed", strlen(s), APPNAME_MAX);
	return 0;
}

static void
swap(const char *s, char from, char to, char ret[APPNAME_MAX + 1])
{
	snprintf(ret, APPNAME_MAX + 1, "%s", s);
	for (char *p = ret; *p != '\0'; p++) {
		if (*p == from)
			*p = to;
	}
}

void
appname_service(const char *s, char ret[APPNAME_MAX + 1])
{
	swap(s, '.', '_', ret);
}

void
appname_of_service(const char *service, char ret[APPNAME_MAX + 1])
{
	swap(service, '_', '.', ret);
}
