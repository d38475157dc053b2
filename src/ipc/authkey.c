#include "ipc/authkey.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "ipc/sshkey.h"

static const char blanks[] = " \t";

void
authkey_done(struct authkey *key)
{
	free(key->blob);
	free(key->comment);
	key_limits_done(&key->limits);
	*key = (struct authkey){0};
}

/* The type that the first word of a text names. */
static const struct sshkey_type *
type_at(const char *s)
{
	return sshkey_type(s, strcspn(s, blanks));
}

/* Finds the key behind its options; *ret_options is how long these are, 0 without. */
static int
find_key(const char *line, size_t *ret_options, const char **ret_key, struct err *err)
{
	size_t len = 0;

	*ret_options = 0;
	*ret_key = line;
	if (type_at(line) != NULL)
		return 0;
	if (key_options_len(line, &len) < 0)
		return err_set(err, EINVAL, "a quote in front of the key has no end");
	*ret_key = line + len + strspn(line + len, blanks);
	*ret_options = len;
	return type_at(*ret_key) != NULL ? 0 : err_set(err, EINVAL, "unknown type of key");
}

/* "type base64 comment" */
static int
parse_key(const char *text, struct authkey *key, struct err *err)
{
	const struct sshkey_type *type = type_at(text);
	const char *base64 = text + strcspn(text, blanks);
	auto_free char *word = NULL;
	auto_buf struct buf comment = BUF_INIT(4 * AUTHKEY_LINE_MAX);
	const char *why;
	size_t len;

	base64 += strspn(base64, blanks);
	len = strcspn(base64, blanks);
	word = str_printf("%.*s", (int)len, base64);
	key->blob = len > 0 ? str_unbase64(word, &key->blob_len) : NULL;
	if (key->blob == NULL)
		return err_set(err, EINVAL, "the key is malformed");
	if ((why = sshkey_check(type, key->blob, key->blob_len)) != NULL)
		return err_set(err, EINVAL, "%s", why);
	base64 += len + strspn(base64 + len, blanks);
	buf_vis(&comment, base64, strlen(base64), false);
	key->comment = buf_take(&comment);
	key->type = sshkey_name(type);
	return 0;
}

int
authkey_parse(const char *line, struct authkey *ret, struct err *err)
{
	auto_authkey struct authkey key = {0};
	size_t len = strlen(line);
	auto_free char *text = NULL;
	auto_free char *options = NULL;
	size_t options_len = 0;
	const char *at = NULL;
	int rc;

	if (len > AUTHKEY_LINE_MAX)
		return err_set(err, EINVAL, "longer than %d bytes", AUTHKEY_LINE_MAX);
	line += strspn(line, blanks);
	len = strlen(line);
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	text = str_printf("%.*s", (int)len, line);
	rc = find_key(text, &options_len, &at, err);
	if (rc < 0)
		return rc;
	options = str_printf("%.*s", (int)options_len, text);
	if (options_len > 0)
		rc = key_options_parse(options, &key.limits, err);
	if (rc >= 0)
		rc = parse_key(at, &key, err);
	if (rc < 0)
		return rc;
	*ret = key;
	key = (struct authkey){0};
	return 0;
}

/* Tells nothing by its time but whether the lengths are the same. */
static bool
same_bytes(const unsigned char *a, const unsigned char *b, size_t len)
{
	volatile unsigned char differs = 0;

	for (size_t i = 0; i < len; i++)
		differs = (unsigned char)(differs | (a[i] ^ b[i]));
	return differs == 0;
}

bool
authkey_is(const struct authkey *key, const void *blob, size_t len)
{
	return key->blob_len == len && same_bytes(key->blob, blob, len);
}
