#include "core/keys.h"

#include <sys/types.h>

#include <md5.h>
#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ipc/opname.h"

/* A line of the job's. */
struct line {
	char *file; /* escaped */
	int number;
	char *text;
};
#define auto_line __attribute__((cleanup(line_done)))

static void
line_done(struct line *l)
{
	free(l->file);
	free(l->text);
}

static char *
vis(const char *s, size_t len)
{
	struct buf b = BUF_INIT(4 * AUTHKEY_LINE_MAX);

	buf_vis(&b, s, len, false);
	return buf_take(&b);
}

static void
refuse(struct keys *keys, const struct line *l, const char *why)
{
	auto_buf struct buf text = BUF_INIT(KEYS_PROBLEM_MAX);

	keys->refused++;
	if (keys->problems.n >= KEYS_PROBLEMS_MAX)
		return;
	buf_str_add(&text, l->file);
	if (l->number > 0)
		buf_printf(&text, ":%d", l->number);
	buf_str_add(&text, ": ");
	buf_vis(&text, why, strlen(why), false);
	if (l->number > 0)
		buf_str_add(&text, ": key ignored");
	strv_add(&keys->problems, buf_str(&text));
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
		ret_l->text = str_printf("%.*s", (int)(len - i - digits - 2), s + i + digits + 2);
		return true;
	}
	return false;
}

static void
add_key(struct keys *keys, struct line *l, struct authkey *take_auth)
{
	struct key *grown = reallocarray(keys->v, keys->n + 1, sizeof(*keys->v));

	if (grown == NULL)
		abort();
	keys->v = grown;
	keys->v[keys->n++] = (struct key){.auth = *take_auth, .file = TAKE(l->file), .line = l->number};
	*take_auth = (struct authkey){0};
}

static bool
asks_host(const struct key_limits *limits)
{
	for (size_t i = 0; i < limits->ops.n; i++) {
		if (str_starts(limits->ops.v[i], OPNAME_HOST))
			return true;
	}
	return false;
}

static void
parse_text(struct keys *keys, struct line *l)
{
	const char *text = l->text + strspn(l->text, " \t");
	auto_authkey struct authkey auth = {0};
	struct err err = ERR_INIT;

	if (l->number == 0)
		refuse(keys, l, text);
	else if (text[strspn(text, " \t\r")] == '\0' || *text == '#')
		return;
	else if (authkey_parse(text, &auth, &err) < 0)
		refuse(keys, l, err.msg);
	else if (asks_host(&auth.limits))
		refuse(keys, l, "option ops: what is asked of the host is for operators, whose keys are in pgo.toml");
	else if (keys->n >= KEYS_MAX)
		refuse(keys, l, "a service has at most 1024 keys");
	else
		add_key(keys, l, &auth);
}

static void
parse_line(struct keys *keys, const char *s, size_t len)
{
	auto_line struct line l = {NULL, 0, NULL};

	/* The job prints none of these. */
	if (len > 2 * AUTHKEY_LINE_MAX || memchr(s, '\0', len) != NULL) {
		l.file = vis(s, len < 64 ? len : 64);
		refuse(keys, &l, "this is not a line of text");
	} else if (cut_line(s, len, &l)) {
		parse_text(keys, &l);
	}
}

void
keys_parse(const char *text, size_t len, struct keys *ret_keys)
{
	struct keys keys = {0};

	for (size_t at = 0; at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl != NULL ? (size_t)(nl - text) - at : len - at;

		parse_line(&keys, text + at, n);
		at += n + 1;
	}
	*ret_keys = keys;
}

void
keys_done(struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		authkey_done(&keys->v[i].auth);
		free(keys->v[i].file);
	}
	free(keys->v);
	strv_done(&keys->problems);
	*keys = (struct keys){0};
}

const struct key *
keys_next(const struct keys *keys, const struct key *after, const void *blob, size_t len)
{
	for (const struct key *k = after != NULL ? after + 1 : keys->v; k < keys->v + keys->n; k++) {
		if (authkey_is(&k->auth, blob, len))
			return k;
	}
	return NULL;
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

void
keys_fingerprint_md5(const void *blob, size_t len, char ret_text[KEYS_MD5_SIZE])
{
	uint8_t digest[MD5_DIGEST_LENGTH];
	size_t at = (size_t)snprintf(ret_text, KEYS_MD5_SIZE, "MD5");
	MD5_CTX ctx;

	MD5Init(&ctx);
	MD5Update(&ctx, blob, len);
	MD5Final(digest, &ctx);
	for (size_t i = 0; i < sizeof(digest); i++)
		at += (size_t)snprintf(ret_text + at, KEYS_MD5_SIZE - at, ":%02x", digest[i]);
}
