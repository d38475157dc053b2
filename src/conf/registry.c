/* The key `registries`: whose password goes to which registry. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define FORM "\"user:token@registry\" or \"token@registry\""

/* Names of one registry, the one of images whose name has no registry. */
static const char *const hub[] = {"docker.io", "index.docker.io"};

static int
check_registry(const char *s, struct err *err)
{
	size_t len = strlen(s);
	size_t host_len;

	if (len == 0)
		return err_set(err, EINVAL, "has no registry behind its last \"@\": write " FORM);
	if (strstr(s, "://") != NULL || strchr(s, '/') != NULL)
		return err_set(err, EINVAL,
		    "has a scheme or a path behind its last \"@\": write the registry's host alone, with its port where it has one");
	if (strpbrk(s, UPPER) != NULL)
		return err_set(err, EINVAL,
		    "has upper case in the registry's name, and those of images have none: write it in lower case");
	if (len > RULE_REGISTRY_HOST_MAX)
		return err_set(err, EINVAL, "has a registry of %zu bytes: %d are allowed", len, RULE_REGISTRY_HOST_MAX);
	return rule_host(s, len, &host_len, err);
}

/* What is sent in a header. */
static int
check_credentials(const char *s, size_t len, struct err *err)
{
	const char *colon = memchr(s, ':', len);

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return err_set(err, EINVAL, "has a newline or another control character: write it in one line");
	}
	if (len == 0 || (colon != NULL && colon == s + len - 1))
		return err_set(err, EINVAL, "has no token before its last \"@\": write " FORM);
	if (colon == s)
		return err_set(err, EINVAL, "has no user before its first \":\": write " FORM);
	return 0;
}

int
rule_split_registry(const char *s, char **ret_user, char **ret_token, char **ret_registry, struct err *err)
{
	/* The last one: a token may hold "@", a registry cannot. */
	const char *at = strrchr(s, '@');
	const char *colon = at == NULL ? NULL : memchr(s, ':', (size_t)(at - s));
	const char *token = colon == NULL ? s : colon + 1;

	/* Nothing of the entry is printed: what is malformed may be the token itself. */
	if (strlen(s) > RULE_REGISTRY_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), RULE_REGISTRY_MAX);
	if (at == NULL)
		return err_set(err, EINVAL, "has no \"@\": write " FORM);
	if (check_registry(at + 1, err) < 0 || check_credentials(s, (size_t)(at - s), err) < 0)
		return -EINVAL;
	*ret_user = colon == NULL ? NULL : str_printf("%.*s", (int)(colon - s), s);
	*ret_token = str_printf("%.*s", (int)(at - token), token);
	*ret_registry = str_dup(at + 1);
	for (size_t i = 0; i < ARRAY_LEN(hub); i++) {
		if (str_eq(*ret_registry, hub[i]))
			str_set(ret_registry, hub[0]);
	}
	return 0;
}

int
rule_registry(const char *s, struct err *err)
{
	auto_free char *user = NULL;
	auto_free char *registry = NULL;
	char *token = NULL;
	int rc = rule_split_registry(s, &user, &token, &registry, err);

	str_wipe(token);
	return rc;
}
