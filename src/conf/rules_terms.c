/* The keys that say how a service is deployed, whose commits it takes, and what it may do besides. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "conf/rules.h"
#include "ipc/allow.h"

#define DIGITS "0123456789"

enum { PORT_MAX = 65535, PORT_DIGITS_MAX = 5 };

int
rule_update(const char *s, struct err *err)
{
	static const char *const styles[] = {"recreate", "in-place", "start-first"};

	for (size_t i = 0; i < ARRAY_LEN(styles); i++) {
		if (str_eq(s, styles[i]))
			return 0;
	}
	return err_set(err, EINVAL, "is no style of updating: write \"recreate\", \"in-place\" or \"start-first\"");
}

int
rule_rewind(const char *s, struct err *err)
{
	if (str_eq(s, "allow") || str_eq(s, "refuse"))
		return 0;
	return err_set(err, EINVAL, "is neither \"allow\" nor \"refuse\": write one of them");
}

int
rule_signers(const char *s, struct err *err)
{
	if (s[0] != '/')
		return err_set(err, EINVAL, "is no absolute path: write it like \"/etc/pgo/signers\"");
	if (!path_is_clean(s) || str_eq(s, "/"))
		return err_set(err, EINVAL,
		    "has \"..\", \".\" or \"//\", or ends with \"/\": write the plain path of a file, like "
		    "\"/etc/pgo/signers\"");
	if (strlen(s) > RULE_SIGNERS_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_SIGNERS_MAX);
	return 0;
}

int
rule_allow(const char *s, struct err *err)
{
	return allow_check(s, err);
}

/* A number of len digits within [min, PORT_MAX]; -1 when it is none. */
static int
number(const char *s, size_t len, int min)
{
	int n = 0;

	if (len == 0 || len > PORT_DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (s[i] - '0');
	return n < min || n > PORT_MAX ? -1 : n;
}

int
rule_ports(const char *s, struct err *err)
{
	size_t low_len = strspn(s, DIGITS);
	const char *count = s[low_len] == '/' ? s + low_len + 1 : "";
	int low = number(s, low_len, 1);
	int more = count[strspn(count, DIGITS)] == '\0' ? number(count, strlen(count), 0) : -1;

	if (low < 0 || more < 0)
		return err_set(err, EINVAL,
		    "is no range of ports: write the first and how many follow it, \"5005/5\" for 5005 to 5010");
	if (low + more > PORT_MAX)
		return err_set(err, EINVAL, "goes beyond port %d: write fewer, like \"5005/5\"", PORT_MAX);
	return 0;
}
