/* The keys of [push] that no other table has. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/push.h"
#include "conf/rules.h"

#define DIGITS "0123456789"
#define ALNUM "abcdefghijklmnopqrstuvwxyz" DIGITS
#define FORM "\"user:token@registry/path\""

/* Labels with dots between them, as an app's name stands in front of. */
int
rule_push_host(const char *s, struct err *err)
{
	for (const char *p = s;; p++) {
		size_t len = strcspn(p, ".");

		if (len == 0 || len > 63 || strspn(p, ALNUM "-") < len || p[0] == '-' || p[len - 1] == '-')
			return err_set(err, EINVAL,
			    "is no name of a domain: write it in lower case, like \"apps.example.org\", without a dot in "
			    "front");
		p += len;
		if (*p == '\0')
			break;
	}
	if (strlen(s) > PUSH_HOST_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), PUSH_HOST_MAX);
	return 0;
}

int
rule_push_address(const char *s, struct err *err)
{
	struct in_addr any;

	if (inet_pton(AF_INET, s, &any) != 1)
		return err_set(err, EINVAL, "is no IPv4 address: write it like \"192.0.2.7\"");
	return 0;
}

int
rule_push_scheme(const char *s, struct err *err)
{
	if (str_eq(s, "http") || str_eq(s, "https"))
		return 0;
	return err_set(err, EINVAL, "is neither \"http\" nor \"https\": write one of them");
}

int
push_split_registry(const char *s, char **ret_user, char **ret_token, char **ret_host, char **ret_path, struct err *err)
{
	const char *at = strrchr(s, '@');
	const char *slash = at == NULL ? NULL : strchr(at, '/');
	char *login = slash == NULL ? str_dup(s) : str_printf("%.*s", (int)(slash - s), s);
	const char *path = slash == NULL ? "" : slash + 1;
	int rc;

	if (slash != NULL && (path[0] == '\0' || path[strspn(path, ALNUM "._/-")] != '\0' ||
				 strstr(path, "//") != NULL || strchr("/.-_", path[0]) != NULL || str_ends(path, "/")))
		rc = err_set(
		    err, EINVAL, "has no proper path behind the registry: write " FORM ", the path in lower case");
	else
		rc = rule_split_registry(login, ret_user, ret_token, ret_host, err);
	str_wipe(login);
	if (rc < 0)
		return rc;
	*ret_path = str_dup(path);
	return 0;
}

int
rule_push_registry(const char *s, struct err *err)
{
	auto_free char *user = NULL;
	auto_free char *host = NULL;
	auto_free char *path = NULL;
	char *token = NULL;
	int rc = push_split_registry(s, &user, &token, &host, &path, err);

	str_wipe(token);
	if (rc == 0 && user == NULL)
		return err_set(err, EINVAL, "names no user: write " FORM);
	return rc;
}

char *
push_registry_name(const char *s)
{
	auto_free char *user = NULL;
	auto_free char *host = NULL;
	auto_free char *path = NULL;
	char *token = NULL;

	if (push_split_registry(s, &user, &token, &host, &path, NULL) < 0)
		abort();
	str_wipe(token);
	return str_printf("%s%s%s", host, path[0] != '\0' ? "/" : "", path);
}

/* Without the login it is what stands behind one. */
int
rule_push_registry_name(const char *s, struct err *err)
{
	auto_free char *with = str_printf("user:token@%s", s);

	return strchr(s, '@') != NULL ? err_set(err, EINVAL, "has a login in it") : rule_push_registry(with, err);
}

int
rule_push_login(const char *s, struct err *err)
{
	auto_free char *user = NULL;
	auto_free char *host = NULL;
	char *token = NULL;
	int rc = rule_split_registry(s, &user, &token, &host, err);

	str_wipe(token);
	if (rc == 0 && user == NULL)
		return err_set(
		    err, EINVAL, "names no user, and an app's account has no name: write \"user:token@registry\"");
	return rc;
}

int
rule_push_directive(const char *s, struct err *err)
{
	static const char *const known[] = {
	    "ADD_NAME", "LINK_SERVICE", "MOUNT_FROM_HOST", "PORTS_FROM_HOST", "VOLUMES_FROM"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (str_eq(s, known[i]))
			return 0;
	}
	if (str_eq(s, "NO_HTTP_PROXY"))
		return err_set(err, EINVAL, "needs no permission: remove it");
	return err_set(err, EINVAL,
	    "is no directive: there are \"ADD_NAME\", \"LINK_SERVICE\", \"MOUNT_FROM_HOST\", \"PORTS_FROM_HOST\" and "
	    "\"VOLUMES_FROM\"");
}

int
rule_push_image(const char *s, struct err *err)
{
	if (s[0] == '\0' || strchr(ALNUM, s[0]) == NULL ||
	    s[strspn(s, ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ._/:@-")] != '\0')
		return err_set(err, EINVAL, "is no image: write it like \"docker.io/library/nginx:1.27-alpine\"");
	if (strlen(s) > PUSH_IMAGE_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(s), PUSH_IMAGE_MAX);
	return 0;
}

/* Both numbers of "FIRST-LAST". */
static bool
read_ids(const char *s, int64_t *ret_first, int64_t *ret_last)
{
	size_t len = strcspn(s, "-");
	auto_free char *first = str_printf("%.*s", (int)len, s);

	return s[len] == '-' && str_to_int(first, 0, UINT32_MAX - 1, ret_first) &&
	       str_to_int(s + len + 1, 0, UINT32_MAX - 1, ret_last);
}

int
rule_push_ids(const char *s, struct err *err)
{
	int64_t first = 0;
	int64_t last = 0;

	if (!read_ids(s, &first, &last))
		return err_set(err, EINVAL, "is no range of user ids: write it like \"70000-79999\"");
	if (first < PUSH_ID_MIN || last < first || last - first >= PUSH_IDS_MAX)
		return err_set(err, EINVAL,
		    "must go from %d or more upwards, over at most %d ids: write it like \"70000-79999\"", PUSH_ID_MIN,
		    PUSH_IDS_MAX);
	return 0;
}

void
push_split_ids(const char *s, uid_t *ret_first, uid_t *ret_last)
{
	int64_t first = 0;
	int64_t last = 0;

	read_ids(s, &first, &last);
	*ret_first = (uid_t)first;
	*ret_last = (uid_t)last;
}
