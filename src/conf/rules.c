#include "conf/rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

static bool
only(const char *s, const char *allowed)
{
	return s[strspn(s, allowed)] == '\0';
}

int
rule_name(const char *s, struct err *err)
{
	if (s[0] == '\0')
		return err_set(err, EINVAL, "is empty: write a name such as \"web\"");
	if (strchr(s, '/') != NULL || str_eq(s, ".") || str_eq(s, ".."))
		return err_set(err, EINVAL, "is a path: write a plain name such as \"web\"");
	if (strpbrk(s, UPPER) != NULL)
		return err_set(err, EINVAL, "has upper case: compose takes lower case only, write it so");
	if (strchr(s, '.') != NULL)
		return err_set(err, EINVAL, "has a dot: compose takes none, write \"-\" or \"_\" instead");
	if (!only(s, LOWER DIGITS "_-"))
		return err_set(err, EINVAL, "may hold only a-z, 0-9, \"-\" and \"_\"");
	if (s[0] == '-' || s[0] == '_')
		return err_set(err, EINVAL, "must begin with a letter or a digit");
	if (strlen(s) > 63)
		return err_set(err, EINVAL, "has %zu characters: 63 are allowed", strlen(s));
	return str_is_service_name(s) ? 0 : err_set(err, EINVAL, "is not a name such as \"web\"");
}

/* What accounts and groups are called. */
static int
check_unix_name(const char *s, struct err *err)
{
	if (only(s, DIGITS))
		return err_set(err, EINVAL, "is a number: write the name");
	if (strchr(DIGITS "-.@", s[0]) != NULL)
		return err_set(err, EINVAL, "must begin with a letter or \"_\", as account names do");
	if (!only(s, LOWER UPPER DIGITS "_.@-"))
		return err_set(
		    err, EINVAL, "may hold only letters, digits, \"-\", \"_\", \".\" and \"@\", as account names do");
	if (strlen(s) > RULE_USER_MAX)
		return err_set(err, EINVAL, "has %zu characters: %d are allowed", strlen(s), RULE_USER_MAX);
	return 0;
}

int
rule_user(const char *s, struct err *err)
{
	return s[0] != '\0' ? check_unix_name(s, err)
			    : err_set(err, EINVAL, "is empty: write the account that the service runs as");
}

int
rule_group(const char *s, struct err *err)
{
	return s[0] != '\0' ? check_unix_name(s, err) : err_set(err, EINVAL, "is empty: remove it, it is not used");
}

/* git's rules for one part of a ref between slashes. */
static int
check_ref_part(const char *part, size_t len, struct err *err)
{
	if (len == 0)
		return err_set(err, EINVAL, "begins or ends with \"/\" or has \"//\": git allows no such branch");
	if (part[0] == '.')
		return err_set(err, EINVAL, "has a part that begins with \".\": git allows no such branch");
	if (len >= 5 && memcmp(part + len - 5, ".lock", 5) == 0)
		return err_set(err, EINVAL, "has a part that ends with \".lock\": git allows no such branch");
	return 0;
}

static int
check_ref_parts(const char *s, struct err *err)
{
	for (const char *p = s;; p++) {
		size_t len = strcspn(p, "/");
		int r = check_ref_part(p, len, err);

		if (r < 0)
			return r;
		p += len;
		if (*p == '\0')
			return 0;
	}
}

int
rule_branch(const char *s, struct err *err)
{
	if (s[0] == '\0')
		return err_set(err, EINVAL, "is empty: write a branch, or leave the key out for \"main\"");
	if (str_starts(s, "refs/"))
		return err_set(err, EINVAL, "is a full ref: write the branch alone, such as \"main\"");
	if (s[0] == '-')
		return err_set(err, EINVAL, "begins with \"-\": git allows no such branch");
	if (has_control(s))
		return err_set(err, EINVAL, "has a control character: git allows no such branch");
	if (strpbrk(s, " ~^:?*[\\") != NULL)
		return err_set(err, EINVAL, "has a space or one of ~^:?*[\\: git allows no such branch");
	if (strstr(s, "..") != NULL || strstr(s, "@{") != NULL)
		return err_set(err, EINVAL, "has \"..\" or \"@{\": git allows no such branch");
	if (str_ends(s, ".") || str_eq(s, "@") || str_eq(s, "HEAD"))
		return err_set(err, EINVAL, "is \"@\" or \"HEAD\" or ends with \".\": git allows no such branch");
	if (strlen(s) > RULE_BRANCH_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_BRANCH_MAX);
	return check_ref_parts(s, err);
}

/* No part of the path is empty, "." or "..". */
static bool
parts_are_clean(const char *s)
{
	for (const char *p = s;; p++) {
		size_t len = strcspn(p, "/");

		if (len == 0 || (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += len;
		if (*p == '\0')
			return true;
	}
}

int
rule_compose(const char *s, struct err *err)
{
	if (s[0] == '\0')
		return err_set(err, EINVAL, "is empty: write a file of the repository, or leave the key out");
	if (s[0] == '/')
		return err_set(err, EINVAL, "is an absolute path: write it relative to the top of the repository");
	if (s[0] == '-')
		return err_set(err, EINVAL, "begins with \"-\": rename the file");
	if (has_control(s))
		return err_set(err, EINVAL, "has a control character: rename the file");
	if (!parts_are_clean(s))
		return err_set(err, EINVAL,
		    "has \"..\", \".\" or \"//\", or ends with \"/\": write the plain path beneath the top of the "
		    "repository");
	if (strlen(s) > RULE_COMPOSE_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_COMPOSE_MAX);
	return 0;
}

int
rule_network(const char *s, struct err *err)
{
	if (s[0] == '\0')
		return err_set(err, EINVAL, "is empty: write the name of a network");
	if (!isascii(s[0]) || !isalnum(s[0]) || !only(s, LOWER UPPER DIGITS "_.-"))
		return err_set(err, EINVAL,
		    "is no network name: it begins with a letter or a digit and holds only these, \"_\", \".\" and "
		    "\"-\"");
	if (strlen(s) > RULE_NETWORK_MAX)
		return err_set(err, EINVAL, "has %zu characters: %d are allowed", strlen(s), RULE_NETWORK_MAX);
	return 0;
}

/* Variables that would steer the programs of a job instead of the compose file. A name that ends with "*" is a
 * beginning. */
static const struct {
	const char *name;
	const char *why;
} reserved[] = {
    {"COMPOSE_*", "it steers docker compose"},
    {"DOCKER_*", "it steers docker"},
    {"BUILDKIT_*", "it steers docker's builder"},
    {"BUILDX_*", "it steers docker's builder"},
    {"GIT_*", "it steers git"},
    {"PGO_*", "pgod talks to its jobs in such variables"},
    {"PATH", "pgod sets it"},
    {"HOME", "pgod sets it, from the account"},
    {"USER", "pgod sets it, from the account"},
    {"LOGNAME", "pgod sets it, from the account"},
    {"LANG", "pgod sets it"},
    {"LANGUAGE", "it changes the words that pgod reads from programs"},
    {"LC_*", "it changes the words that pgod reads from programs"},
    {"PWD", "programs take it for their directory"},
    {"TMPDIR", "programs write files there"},
    {"XDG_*", "programs look for their configuration there"},
    {"LD_*", "it changes which libraries programs load"},
    {"GLIBC_TUNABLES", "it changes how programs run"},
    {"MALLOC_*", "it changes how programs run"},
    {"GCONV_PATH", "it changes which libraries programs load"},
    {"LOCPATH", "it changes which files programs load"},
    {"NLSPATH", "it changes which files programs load"},
    {"GODEBUG", "it changes how docker compose runs"},
    {"GOTRACEBACK", "it changes how docker compose runs"},
    {"GOMAXPROCS", "it changes how docker compose runs"},
    {"GOMEMLIMIT", "it changes how docker compose runs"},
    {"GOGC", "it changes how docker compose runs"},
    {"GOCOVERDIR", "docker compose would write files there"},
    {"SSH_AUTH_SOCK", "it lends keys to programs"},
    {"SSH_ASKPASS", "programs run it"},
    {"BASH_ENV", "shells run it"},
    {"ENV", "shells run it"},
    {"SHELLOPTS", "it steers shells"},
    {"BASHOPTS", "it steers shells"},
    {"IFS", "it steers shells"},
    {"PS4", "shells run it"},
};

size_t
rule_env_name(const char *s)
{
	size_t len = strspn(s, LOWER UPPER DIGITS "_");

	return s[len] == '=' && strchr(DIGITS, s[0]) == NULL ? len : 0;
}

static bool
is_reserved(const char *pattern, const char *name, size_t len)
{
	size_t plen = strlen(pattern);

	if (pattern[plen - 1] == '*')
		return len >= plen - 1 && memcmp(name, pattern, plen - 1) == 0;
	return len == plen && memcmp(name, pattern, plen) == 0;
}

int
rule_env(const char *s, struct err *err)
{
	size_t len = rule_env_name(s);

	/* Nothing of a malformed entry is printed: it may be the secret itself. */
	if (strchr(s, '=') == NULL)
		return err_set(err, EINVAL, "has no \"=\": write VAR=VALUE");
	if (len == 0)
		return err_set(err, EINVAL,
		    "has no proper name before \"=\": write VAR=VALUE, where VAR holds letters, digits and \"_\" and "
		    "does not begin with a digit");
	if (strlen(s) > RULE_ENV_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_ENV_MAX);
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (is_reserved(reserved[i].name, s, len))
			return err_set(err, EINVAL, "sets %.*s, which a service may not (%s): choose another name",
			    (int)(len > 64 ? 64 : len), s, reserved[i].why);
	}
	return 0;
}

int
rule_digest(const char *s, struct err *err)
{
	if (strlen(s) != 64 || !only(s, DIGITS "abcdef"))
		return err_set(err, EINVAL, "is not a digest");
	return 0;
}
