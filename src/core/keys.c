#include "core/keys.h"

#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

enum { RSA_BITS_MAX = 16384, APPLICATION_MAX = 1024, BLOB_MAX = 8 * 1024 };

/* --- what a blob must be --- */

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
	return next_string(c, &s) && s.left == 32 ? NULL : "the key is malformed";
}

static const char *
check_ecdsa(struct cursor *c, const char *curve)
{
	size_t bytes = str_eq(curve, "nistp256") ? 32 : str_eq(curve, "nistp384") ? 48 : 66;
	struct cursor s;

	if (!next_is(c, curve) || !next_string(c, &s) || s.left != 1 + 2 * bytes || s.p[0] != 4)
		return "the key is malformed";
	return NULL;
}

static const char *
check_application(struct cursor *c)
{
	struct cursor s;

	return next_string(c, &s) && s.left > 0 && s.left <= APPLICATION_MAX ? NULL : "the key is malformed";
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
		return "the key is malformed";
	return n >= KEYS_RSA_BITS_MIN ? NULL : "an RSA key needs at least 2048 bits";
}

static const char *
check_dss(struct cursor *c, const char *curve)
{
	(void)c;
	(void)curve;
	return "DSA keys are not safe";
}

static const struct key_type {
	const char *name;
	const char *curve;
	/* Reads what follows the type. NULL, or why the key is refused. */
	const char *(*check)(struct cursor *c, const char *curve);
} key_types[] = {
    {"ssh-ed25519", NULL, check_ed25519},
    {"ssh-rsa", NULL, check_rsa},
    {"ecdsa-sha2-nistp256", "nistp256", check_ecdsa},
    {"ecdsa-sha2-nistp384", "nistp384", check_ecdsa},
    {"ecdsa-sha2-nistp521", "nistp521", check_ecdsa},
    {"sk-ssh-ed25519@openssh.com", NULL, check_sk_ed25519},
    {"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", check_sk_ecdsa},
    {"ssh-dss", NULL, check_dss},
};

static const struct key_type *
key_type(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(key_types); i++) {
		if (strlen(key_types[i].name) == len && memcmp(key_types[i].name, word, len) == 0)
			return &key_types[i];
	}
	return NULL;
}

/* NULL, or why the blob is not a usable key of that type. */
static const char *
check_blob(const struct key_type *type, const void *blob, size_t len)
{
	struct cursor c = {blob, len};
	const char *why;

	if (len > BLOB_MAX)
		return "the key is too long";
	if (!next_is(&c, type->name))
		return "the key is not of the type that is written in front of it";
	if ((why = type->check(&c, type->curve)) != NULL)
		return why;
	return c.left == 0 ? NULL : "the key is malformed";
}

/* --- lines --- */

struct line {
	char *file; /* escaped */
	int number;
	char *text; /* the key line */
};

static void
line_done(struct line *l)
{
	free(l->file);
	free(l->text);
}

static char *
vis(const char *s, size_t len)
{
	struct buf b = BUF_INIT(KEYS_LINE_MAX);

	buf_vis(&b, s, len, false);
	return buf_take(&b);
}

static void
warn(struct buf *warnings, const struct line *l, const char *what)
{
	if (warnings != NULL)
		buf_printf(warnings, "%s:%d: %s: key ignored\n", l->file, l->number, what);
}

/* Cuts FILE:LINENO:TEXT. A file's name may hold colons itself: the first number between two of them counts. */
static bool
cut_line(const char *s, size_t len, struct line *ret_l)
{
	for (size_t i = 0; i < len; i++) {
		size_t digits = 0;
		int64_t n = 0;
		char number[10];

		if (s[i] != ':')
			continue;
		while (digits < len - i - 1 && digits < sizeof(number) - 1 && s[i + 1 + digits] >= '0' &&
		       s[i + 1 + digits] <= '9')
			digits++;
		if (digits == 0 || i + 1 + digits >= len || s[i + 1 + digits] != ':')
			continue;
		memcpy(number, s + i + 1, digits);
		number[digits] = '\0';
		ret_l->file = vis(s, i);
		(void)str_to_int(number, 0, INT32_MAX, &n);
		ret_l->number = (int)n;
		ret_l->text = strndup(s + i + digits + 2, len - i - digits - 2);
		if (ret_l->text == NULL)
			abort();
		return true;
	}
	return false;
}

/* Is there a key behind something else? Quotes are only skipped: what stands in them is no key. */
static bool
has_options(const char *s)
{
	bool quoted = false;

	for (; *s != '\0'; s++) {
		if (*s == '\\' && s[1] != '\0')
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (!quoted && (*s == ' ' || *s == '\t') && key_type(s + 1, strcspn(s + 1, " \t")) != NULL)
			return true;
	}
	return false;
}

static void
add_key(struct keys *keys, const struct line *l, const struct key_type *type, void *take_blob, size_t blob_len,
    const char *comment)
{
	struct key *grown = reallocarray(keys->v, keys->n + 1, sizeof(*keys->v));

	if (grown == NULL)
		abort();
	keys->v = grown;
	keys->v[keys->n++] = (struct key){.blob = take_blob,
	    .blob_len = blob_len,
	    .type = str_dup(type->name),
	    .file = str_dup(l->file),
	    .line = l->number,
	    .comment = vis(comment, strlen(comment))};
}

/* "type base64 comment". Returns NULL, or why the key is refused. */
static const char *
parse_key(struct keys *keys, const struct line *l, char *text)
{
	size_t type_len = strcspn(text, " \t");
	const struct key_type *type = key_type(text, type_len);
	auto_free void *blob = NULL;
	char *base64 = text + type_len;
	char *comment;
	size_t blob_len = 0;
	const char *why;

	if (type == NULL)
		return has_options(text) ? "options in front of a key are not yet supported" : "unknown type of key";
	base64 += strspn(base64, " \t");
	comment = base64 + strcspn(base64, " \t");
	if (*comment != '\0')
		*comment++ = '\0';
	comment += strspn(comment, " \t");
	if (*base64 == '\0' || (blob = str_unbase64(base64, &blob_len)) == NULL)
		return "the key is malformed";
	if ((why = check_blob(type, blob, blob_len)) != NULL)
		return why;
	if (keys->n >= KEYS_MAX)
		return "a service has at most 1024 keys";
	add_key(keys, l, type, TAKE(blob), blob_len, comment);
	return NULL;
}

static void
parse_line(struct keys *keys, const char *s, size_t len, struct buf *warnings)
{
	__attribute__((cleanup(line_done))) struct line l = {NULL, 0, NULL};
	char *text;
	size_t end;
	const char *why = NULL;

	if (len > KEYS_LINE_MAX || memchr(s, '\0', len) != NULL) {
		l.file = vis(s, len < 64 ? len : 64);
		warn(warnings, &l, "this is not a line of text");
		return;
	}
	if (!cut_line(s, len, &l))
		return;
	text = l.text + strspn(l.text, " \t");
	end = strlen(text);
	while (end > 0 && strchr(" \t\r", text[end - 1]) != NULL)
		text[--end] = '\0';
	if (*text != '\0' && *text != '#')
		why = parse_key(keys, &l, text);
	if (why != NULL)
		warn(warnings, &l, why);
}

void
keys_parse(const char *text, size_t len, struct keys *ret_keys, struct buf *warnings)
{
	struct keys keys = KEYS_INIT;

	for (size_t at = 0; at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl != NULL ? (size_t)(nl - text) - at : len - at;

		parse_line(&keys, text + at, n, warnings);
		at += n + 1;
	}
	*ret_keys = keys;
}

void
keys_done(struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		free(keys->v[i].blob);
		free(keys->v[i].type);
		free(keys->v[i].file);
		free(keys->v[i].comment);
	}
	free(keys->v);
	*keys = (struct keys)KEYS_INIT;
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

const struct key *
keys_find(const struct keys *keys, const void *blob, size_t len)
{
	const struct key *found = NULL;

	for (size_t i = 0; i < keys->n; i++) {
		if (keys->v[i].blob_len == len && same_bytes(keys->v[i].blob, blob, len))
			found = &keys->v[i];
	}
	return found;
}

bool
keys_has(const struct keys *keys, const void *blob, size_t len)
{
	return keys_find(keys, blob, len) != NULL;
}

void
keys_fingerprint(const void *blob, size_t len, char ret_text[KEYS_FINGERPRINT_SIZE])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	auto_free char *base64 = NULL;
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, blob, len);
	SHA256Final(digest, &ctx);
	base64 = str_base64(digest, sizeof(digest));
	/* ssh-keygen leaves the padding out. */
	base64[strcspn(base64, "=")] = '\0';
	snprintf(ret_text, KEYS_FINGERPRINT_SIZE, "SHA256:%s", base64);
}
