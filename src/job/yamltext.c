#include "job/yamltext.h"

#include <stddef.h>
#include <stdint.h>

static size_t
utf8_len(const unsigned char *s)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t cp = s[0] & (0xffU >> (n + 1));

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3fU);
	}
	return cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff) ? 0 : n;
}

static void
add_wide(struct buf *b, const unsigned char *s, size_t n)
{
	uint32_t cp = s[0] & (0xffU >> (n + 1));

	for (size_t i = 1; i < n; i++)
		cp = cp << 6 | (s[i] & 0x3fU);
	buf_printf(b, cp > 0xffff ? "\\U%08x" : "\\u%04x", cp);
}

bool
yamltext_quote(struct buf *b, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	buf_str_add(b, "\"");
	while (*p != '\0') {
		size_t n = *p < 0x80 ? 1 : utf8_len(p);

		if (n == 0)
			return false;
		if (n > 1)
			add_wide(b, p, n);
		else if (*p < ' ' || *p == 0x7f)
			buf_printf(b, "\\u%04x", *p);
		else
			buf_printf(b, *p == '"' || *p == '\\' ? "\\%c" : *p == '$' ? "$%c" : "%c", *p);
		p += n;
	}
	buf_str_add(b, "\"");
	return true;
}
