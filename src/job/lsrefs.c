#include "job/lsrefs.h"

#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"

/* A packet is its length in four hex digits, which count themselves, and so many bytes; 0000 ends what is said. */
enum { PKT_HEAD = 4, PKT_END = 0, PKT_BAD = -1 };

const char *
lsrefs_path(const char *url)
{
	/* git decodes %XX in URLs: what has one is left to git. */
	if (strncasecmp(url, "file:///", 8) == 0)
		return strchr(url, '%') == NULL ? url + 7 : NULL;
	return url[0] == '/' ? url : NULL;
}

static void
add_packet(struct buf *b, const char *line)
{
	buf_printf(b, "%04zx%s", PKT_HEAD + strlen(line), line);
}

void
lsrefs_request(const char *ref, struct buf *ret)
{
	auto_free char *prefix = str_printf("ref-prefix %s\n", ref);

	add_packet(ret, "command=ls-refs\n");
	buf_str_add(ret, "0001"); /* the arguments follow */
	add_packet(ret, prefix);
	buf_str_add(ret, "0000");
}

/* The length of the packet at data, its head included; PKT_END or PKT_BAD. */
static int
packet_len(const char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	int n = 0;

	if (len < PKT_HEAD)
		return PKT_BAD;
	for (size_t i = 0; i < PKT_HEAD; i++) {
		const char *digit = memchr(digits, data[i], sizeof(digits) - 1);

		if (digit == NULL)
			return PKT_BAD;
		n = n * 16 + (int)(digit - digits);
	}
	if (n == 0)
		return PKT_END;
	return n > PKT_HEAD && (size_t)n <= len ? n : PKT_BAD;
}

/* A line is "OID REF\n". */
static bool
pick_line(const char *line, size_t len, const char *ref, char *ret_oid)
{
	const char *space = memchr(line, ' ', len);
	size_t oid_len = space == NULL ? 0 : (size_t)(space - line), ref_len = strlen(ref);
	char oid[REMOTE_OID_SIZE];

	if (space == NULL || oid_len >= sizeof(oid) || len != oid_len + 1 + ref_len + 1 || line[len - 1] != '\n')
		return false;
	memcpy(oid, line, oid_len);
	oid[oid_len] = '\0';
	if (!str_is_oid(oid) || memcmp(space + 1, ref, ref_len) != 0)
		return false;
	memcpy(ret_oid, oid, oid_len + 1);
	return true;
}

bool
lsrefs_pick(const char *answer, size_t len, const char *ref, char ret_oid[REMOTE_OID_SIZE])
{
	char oid[REMOTE_OID_SIZE];
	bool found = false;
	int n;

	for (; (n = packet_len(answer, len)) > 0; answer += n, len -= (size_t)n)
		found = pick_line(answer + PKT_HEAD, (size_t)n - PKT_HEAD, ref, oid) || found;
	if (n != PKT_END || !found)
		return false;
	memcpy(ret_oid, oid, strlen(oid) + 1);
	return true;
}
