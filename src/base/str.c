#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

bool
str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), tail = strlen(suffix);

	return len >= tail && memcmp(s + len - tail, suffix, tail) == 0;
}

char *
str_one_line(const char *s)
{
	size_t len = 0;
	char *line = calloc(2, strlen(s) + 1); /* each newline becomes two bytes at the most */

	if (line == NULL)
		abort();
	while (*(s += strspn(s, " \t\n")) != '\0') {
		size_t n = strcspn(s, "\n");

		if (len > 0) {
			memcpy(line + len, "; ", 2);
			len += 2;
		}
		memcpy(line + len, s, n);
		len += n;
		s += n;
		while (line[len - 1] == ' ' || line[len - 1] == '\t')
			len--;
	}
	line[len] = '\0';
	return line;
}

char *
str_dup(const char *s)
{
	char *copy = strdup(s);

	if (copy == NULL)
		abort();
	return copy;
}

void
str_wipe(char *take_s)
{
	if (take_s != NULL)
		explicit_bzero(take_s, strlen(take_s));
	free(take_s);
}

void
str_set(char **text, const char *value)
{
	char *copy = str_dup(value);

	free(*text);
	*text = copy;
}

char *
str_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	return s;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret_n)
{
	long long n;
	char *end = NULL;

	/* strtoll also takes blanks and "+": a number here is digits, with at most a minus. */
	if (s == NULL || !is_digit(s[s[0] == '-']))
		return false;
	errno = 0;
	n = strtoll(s, &end, 10);
	if (errno != 0 || *end != '\0' || n < min || n > max)
		return false;
	*ret_n = n;
	return true;
}

bool
str_is_oid(const char *s)
{
	size_t len = s == NULL ? 0 : strspn(s, "0123456789abcdef");

	return (len == 40 || len == 64) && s[len] == '\0';
}

bool
str_is_service_name(const char *s)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t len = s == NULL ? 0 : strspn(s, chars);

	return len >= 1 && len <= 63 && s[len] == '\0' && s[0] != '_' && s[0] != '-';
}

void
str_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

bool
strv_add(struct strv *sv, const char *s)
{
	if (sv->n >= STRV_MAX)
		return false;
	return strv_add_take(sv, str_dup(s));
}

bool
strv_add_take(struct strv *sv, char *take_s)
{
	char **v;

	if (sv->n >= STRV_MAX) {
		free(take_s);
		return false;
	}
	v = reallocarray(sv->v, sv->n + 2, sizeof(*v));
	if (v == NULL)
		abort();
	v[sv->n++] = take_s;
	v[sv->n] = NULL;
	sv->v = v;
	return true;
}

bool
strv_has(const struct strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++) {
		if (str_eq(sv->v[i], s))
			return true;
	}
	return false;
}

void
strv_done(struct strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	sv->v = NULL;
	sv->n = 0;
}
