/* The small readers of src/base: base64, packed words, durations, numbers, paths, and the escaping of foreign text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Strict: what decodes has no other spelling. */
static void
check_base64(const char *s)
{
	size_t len = 0;
	auto_free char *plain = str_unbase64(s, &len);
	auto_free char *again = plain == NULL ? NULL : str_base64(plain, len);

	must(plain == NULL || str_eq(again, s));
}

static void
check_words(const char *s)
{
	auto_strv struct strv sv = {NULL, 0};
	auto_free char *again = NULL;

	if (!strv_unpack(s, &sv))
		return;
	again = strv_pack(&sv);
	must(str_eq(again, s) && sv.n <= STRV_MAX);
}

static void
check_numbers(const char *s)
{
	int64_t n = -1;

	if (str_to_duration_ms(s, &n))
		must(n >= 0 && n <= INT64_C(315360000000));
	if (str_to_int(s, -100, 100, &n))
		must(n >= -100 && n <= 100);
}

static void
check_path(const char *s)
{
	auto_free char *clean = path_clean(s);
	auto_free char *again = clean == NULL ? NULL : path_clean(clean);

	must((clean == NULL) == (s[0] != '/'));
	if (clean == NULL)
		return;
	must(str_eq(clean, again) && strlen(clean) <= strlen(s));
	must(path_is_clean(clean) || strlen(clean) >= 4096);
	must(!path_is_clean(s) || str_eq(clean, s));
	must(!path_is_beneath(s, clean, NULL) || path_is_clean(s));
}

static void
check_vis(const uint8_t *data, size_t size)
{
	auto_buf struct buf once = BUF_INIT(4 * size);
	auto_buf struct buf twice = BUF_INIT(4 * size);

	buf_vis(&once, (const char *)data, size, false);
	must(!once.full && strlen(buf_str(&once)) == once.len);
	for (size_t i = 0; i < once.len; i++)
		must((unsigned char)once.data[i] >= ' ' || once.data[i] == '\t');
	buf_vis(&twice, buf_str(&once), once.len, false);
	must(str_eq(buf_str(&twice), buf_str(&once)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *s = malloc(size + 1);

	must(s != NULL);
	memcpy(s, data, size);
	s[size] = '\0';
	check_base64(s);
	check_words(s);
	check_numbers(s);
	check_path(s);
	check_vis(data, size);
	return 0;
}
