#include "ipc/sshkey.h"

#include <stdbool.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

enum { RSA_BITS_MAX = 16384, APPLICATION_MAX = 1024, BLOB_MAX = 8 * 1024 };

static const char malformed[] = "the key is malformed";

/* What is left of an SSH blob: "strings" with their length in front. */
struct cursor {
	const unsigned char *p;
	size_t left;
};

static bool
next_string(struct cursor *c, struct cursor *ret_s)
{
	size_t len;

	if (c->left < 4)
		return false;
	len = (size_t)c->p[0] << 24 | (size_t)c->p[1] << 16 | (size_t)c->p[2] << 8 | c->p[3];
	if (len > c->left - 4)
		return false;
	*ret_s = (struct cursor){c->p + 4, len};
	c->p += 4 + len;
	c->left -= 4 + len;
	return true;
}

static bool
next_is(struct cursor *c, const char *text)
{
	struct cursor s;

	return next_string(c, &s) && s.left == strlen(text) && memcmp(s.p, text, s.left) == 0;
}

/* The bits of a positive mpint, 0 when it is none or not in its shortest form. */
static size_t
next_bits(struct cursor *c)
{
	struct cursor s;
	size_t bits = 8;

	if (!next_string(c, &s) || s.left == 0 || (s.p[0] & 0x80) != 0)
		return 0;
	if (s.p[0] == 0) {
		if (s.left == 1 || (s.p[1] & 0x80) == 0)
			return 0;
		s.p++;
		s.left--;
	}
	while (bits > 0 && (s.p[0] & (1u << (bits - 1))) == 0)
		bits--;
	return (s.left - 1) * 8 + bits;
}

static const char *
check_ed25519(struct cursor *c, const char *curve)
{
	struct cursor s;

	(void)curve;
	return next_string(c, &s) && s.left == 32 ? NULL : malformed;
}

static const char *
check_ecdsa(struct cursor *c, const char *curve)
{
	size_t bytes = str_eq(curve, "nistp256") ? 32 : str_eq(curve, "nistp384") ? 48 : 66;
	struct cursor s;

	if (!next_is(c, curve) || !next_string(c, &s) || s.left != 1 + 2 * bytes || s.p[0] != 4)
		return malformed;
	return NULL;
}

static const char *
check_application(struct cursor *c)
{
	struct cursor s;

	return next_string(c, &s) && s.left > 0 && s.left <= APPLICATION_MAX ? NULL : malformed;
}

static const char *
check_sk_ed25519(struct cursor *c, const char *curve)
{
	const char *why = check_ed25519(c, curve);

	return why != NULL ? why : check_application(c);
}

static const char *
check_sk_ecdsa(struct cursor *c, const char *curve)
{
	const char *why = check_ecdsa(c, curve);

	return why != NULL ? why : check_application(c);
}

static const char *
check_rsa(struct cursor *c, const char *curve)
{
	size_t e = next_bits(c);
	size_t n = next_bits(c);

	(void)curve;
	if (e == 0 || n == 0 || n > RSA_BITS_MAX || e > n)
		return malformed;
	return n >= SSHKEY_RSA_BITS_MIN ? NULL : "an RSA key needs at least 2048 bits";
}

static const char *
check_dss(struct cursor *c, const char *curve)
{
	(void)c;
	(void)curve;
	return "DSA keys are not safe";
}

static const struct sshkey_type {
	const char *name;
	const char *curve;
	/* Reads what follows the type. NULL, or why the key is refused. */
	const char *(*check)(struct cursor *c, const char *curve);
} types[] = {
    {"ssh-ed25519", NULL, check_ed25519},
    {"ssh-rsa", NULL, check_rsa},
    {"ecdsa-sha2-nistp256", "nistp256", check_ecdsa},
    {"ecdsa-sha2-nistp384", "nistp384", check_ecdsa},
    {"ecdsa-sha2-nistp521", "nistp521", check_ecdsa},
    {"sk-ssh-ed25519@openssh.com", NULL, check_sk_ed25519},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", check_sk_ecdsa},
    {"ssh-dss", NULL, check_dss},
};

const struct sshkey_type *
sshkey_type(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strlen(types[i].name) == len && memcmp(types[i].name, word, len) == 0)
			return &types[i];
	}
	return NULL;
}

const char *
sshkey_name(const struct sshkey_type *type)
{
	return type->name;
}

const char *
sshkey_check(const struct sshkey_type *type, const void *blob, size_t len)
{
	struct cursor c = {blob, len};
	const char *why;

	if (len > BLOB_MAX)
		return "the key is too long";
	if (!next_is(&c, type->name))
		return "the key is not of the type that is written in front of it";
	if ((why = type->check(&c, type->curve)) != NULL)
		return why;
	return c.left == 0 ? NULL : malformed;
}
