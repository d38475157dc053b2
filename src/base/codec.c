/* Text forms of other things: Go's durations, base64, packed word lists. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const int64_t duration_max_ns = INT64_C(10) * 365 * 24 * 3600 * 1000000000;

static const struct {
	const char *name;
	int64_t ns;
} duration_units[] = {
    /* longest first where one is the start of another */
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* micro sign */
    {"\xce\xbcs", 1000}, /* Greek mu */
    {"ms", 1000000},
    {"s", INT64_C(1000000000)},
    {"m", INT64_C(60) * 1000000000},
    {"h", INT64_C(3600) * 1000000000},
};

/* Reads digits up to what any duration needs; more stay accepted only when the number fits. False on overflow. */
static bool
read_digits(const char **p, int64_t *ret_n, size_t *ret_count)
{
	int64_t n = 0;
	size_t count = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++, count++) {
		n = n * 10 + (**p - '0');
		if (n > duration_max_ns)
			return false;
	}
	*ret_n = n;
	*ret_count = count;
	return true;
}

/* The digits behind the point as a part of one; what is finer than a nanosecond of an hour does not count. */
static double
read_fraction(const char **p, size_t *ret_count)
{
	double part = 0, scale = 1;
	size_t count = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++, count++) {
		if (count < 15) {
			scale *= 10;
			part += (**p - '0') / scale;
		}
	}
	*ret_count = count;
	return part;
}

static int64_t
read_unit(const char **p)
{
	for (size_t i = 0; i < ARRAY_LEN(duration_units); i++) {
		if (str_starts(*p, duration_units[i].name)) {
			*p += strlen(duration_units[i].name);
			return duration_units[i].ns;
		}
	}
	return 0;
}

/* One "1.5h" of a duration, added to *ns. */
static bool
read_term(const char **p, int64_t *ns)
{
	int64_t whole = 0, unit;
	size_t count = 0, count_fraction = 0;
	double part = 0;

	if (!read_digits(p, &whole, &count))
		return false;
	if (**p == '.') {
		(*p)++;
		part = read_fraction(p, &count_fraction);
	}
	unit = read_unit(p);
	if (unit == 0 || count + count_fraction == 0 || whole > duration_max_ns / unit)
		return false;
	*ns += whole * unit + (int64_t)(part * (double)unit + 0.5);
	return *ns <= duration_max_ns;
}

bool
str_to_duration_ms(const char *s, int64_t *ret_ms)
{
	int64_t ns = 0;

	if (s == NULL)
		return false;
	if (*s == '+')
		s++;
	if (str_eq(s, "0")) {
		*ret_ms = 0;
		return true;
	}
	if (*s == '\0')
		return false;
	while (*s != '\0') {
		if (!read_term(&s, &ns))
			return false;
	}
	*ret_ms = ns / 1000000;
	return true;
}

char *
str_base64(const void *data, size_t len)
{
	const unsigned char *p = data;
	char *out = len > SIZE_MAX / 4 ? NULL : malloc((len + 2) / 3 * 4 + 1);
	char *o = out;

	if (out == NULL)
		abort();
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned group =
		    (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0U);

		*o++ = base64_digits[group >> 18];
		*o++ = base64_digits[group >> 12 & 63];
		*o++ = '=';
		*o++ = '=';
		if (left > 1)
			o[-2] = base64_digits[group >> 6 & 63];
		if (left > 2)
			o[-1] = base64_digits[group & 63];
	}
	*o = '\0';
	return out;
}

static int
base64_value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(base64_digits, c);

	return at == NULL ? -1 : (int)(at - base64_digits);
}

/* Decodes four characters, of which the last `pad` are padding. False when one is foreign or bits are left over. */
static bool
unbase64_group(const char *s, size_t pad, unsigned char *out)
{
	unsigned group = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - pad ? base64_value(s[i]) : 0;

		if (value < 0)
			return false;
		group = group << 6 | (unsigned)value;
	}
	for (size_t i = 0; i < 3 - pad; i++)
		out[i] = (unsigned char)(group >> (16 - 8 * i));
	/* One encoding for each content: bits that the padding hides must be zero. */
	return (group & ((1U << 8 * pad) - 1)) == 0;
}

void *
str_unbase64(const char *s, size_t *ret_len)
{
	size_t len = s == NULL ? 1 : strlen(s);
	size_t pad = len < 4 ? 0 : s[len - 2] == '=' ? 2 : s[len - 1] == '=';
	auto_free unsigned char *out = NULL;

	if (len % 4 != 0)
		return NULL;
	if (pad == 2 && s[len - 1] != '=')
		return NULL;
	out = calloc(1, len / 4 * 3 + 1);
	if (out == NULL)
		abort();
	for (size_t i = 0; i < len / 4; i++) {
		if (!unbase64_group(s + 4 * i, i + 1 == len / 4 ? pad : 0, out + 3 * i))
			return NULL;
	}
	*ret_len = len / 4 * 3 - pad;
	out[*ret_len] = '\0';
	return TAKE(out);
}

char *
strv_pack(const struct strv *sv)
{
	auto_free char *bytes = NULL;
	size_t len = 0, at = 0;

	for (size_t i = 0; i < sv->n; i++)
		len += strlen(sv->v[i]) + 1;
	bytes = malloc(len + 1);
	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < sv->n; i++) {
		size_t size = strlen(sv->v[i]) + 1;

		memcpy(bytes + at, sv->v[i], size);
		at += size;
	}
	return str_base64(bytes, len);
}

bool
strv_unpack(const char *s, struct strv *ret_sv)
{
	auto_strv struct strv sv = {NULL, 0};
	auto_free char *bytes = NULL;
	size_t len = 0;

	bytes = str_unbase64(s, &len);
	if (bytes == NULL || (len > 0 && bytes[len - 1] != '\0'))
		return false;
	for (size_t at = 0; at < len; at += strlen(bytes + at) + 1) {
		if (!strv_add(&sv, bytes + at))
			return false;
	}
	*ret_sv = sv;
	sv = (struct strv){NULL, 0};
	return true;
}
