#include "core/push_branch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

static bool
may_stand(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
}

int
push_branch_app(const char *app, const char *branch, char ret[APPNAME_MAX + 1], struct err *err)
{
	auto_free char *name = str_printf("%s-%s", app, branch);
	struct err why = ERR_INIT;

	for (char *c = name; *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
		if (!may_stand(*c))
			*c = '-';
	}
	if (appname_check(name, &why) < 0)
		return err_set(err, EINVAL,
		    "branch %s would be the app %s, whose name %s: give the branch another name", branch, name,
		    why.msg);
	snprintf(ret, APPNAME_MAX + 1, "%s", name);
	return 0;
}
