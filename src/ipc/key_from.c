#include "ipc/key_from.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

enum { ENTRY_MAX = 64, V4_IN_V6 = 96, BITS = 128 };

/* An address of either kind; IPv4 as it looks within IPv6. */
struct address {
	struct in6_addr bits;
	bool v4;
};

/* One entry of a list, taken apart. */
struct entry {
	bool negated;
	bool pattern; /* text has * or ? */
	char text[ENTRY_MAX];
	struct address address;
	unsigned prefix; /* bits that count */
};

static bool
parse_address(const char *text, struct address *ret)
{
	struct in_addr v4;

	*ret = (struct address){.v4 = true};
	if (inet_pton(AF_INET, text, &v4) == 1) {
		ret->bits.s6_addr[10] = ret->bits.s6_addr[11] = 0xff;
		memcpy(&ret->bits.s6_addr[12], &v4, sizeof(v4));
		return true;
	}
	if (inet_pton(AF_INET6, text, &ret->bits) != 1)
		return false;
	ret->v4 = IN6_IS_ADDR_V4MAPPED(&ret->bits);
	return true;
}

static bool
bit(const struct in6_addr *a, unsigned i)
{
	return (a->s6_addr[i / 8] >> (7 - i % 8) & 1) != 0;
}

static bool
same_bits(const struct in6_addr *a, const struct in6_addr *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (bit(a, i) != bit(b, i))
			return false;
	}
	return true;
}

/* The bits behind the prefix are zero: 10.0.0.1/8 is a typing error, and which part of it nobody can tell. */
static bool
is_network(const struct entry *e)
{
	for (unsigned i = e->prefix; i < BITS; i++) {
		if (bit(&e->address.bits, i))
			return false;
	}
	return true;
}

static int
parse_network(struct entry *e, char *slash, struct err *err)
{
	int64_t n = 0;
	bool v4_text;

	*slash = '\0';
	v4_text = strchr(e->text, ':') == NULL;
	if (!parse_address(e->text, &e->address) || !str_to_int(slash + 1, 0, v4_text ? BITS - V4_IN_V6 : BITS, &n))
		return err_set(err, EINVAL, "is no network: write it as 192.0.2.0/24 or 2001:db8::/32");
	e->prefix = (unsigned)n + (v4_text ? V4_IN_V6 : 0);
	return is_network(e) ? 0 : err_set(err, EINVAL, "has bits behind its prefix that are not zero");
}

static int
parse_pattern(struct entry *e, struct err *err)
{
	static const char digits[] = "0123456789.*?";
	static const char hex[] = "0123456789abcdef.:*?";

	/* "*.cafe" could be meant as a name as well: an address with letters has colons, or no points. */
	if (e->text[strspn(e->text, digits)] != '\0' &&
	    (e->text[strspn(e->text, hex)] != '\0' || (strchr(e->text, ':') == NULL && strchr(e->text, '.') != NULL)))
		return err_set(err, EINVAL, "is no pattern of addresses: names are not looked up");
	e->pattern = true;
	return 0;
}

static int
parse_entry(const char *s, size_t len, struct entry *ret, struct err *err)
{
	*ret = (struct entry){.prefix = BITS};
	if (len > 0 && s[0] == '!') {
		ret->negated = true;
		s++;
		len--;
	}
	if (len == 0)
		return err_set(err, EINVAL, "is empty");
	if (len >= sizeof(ret->text))
		return err_set(err, EINVAL, "is too long for an address");
	for (size_t i = 0; i < len; i++)
		ret->text[i] = (char)tolower((unsigned char)s[i]);
	if (strpbrk(ret->text, "*?") != NULL)
		return parse_pattern(ret, err);
	if (strchr(ret->text, '/') != NULL)
		return parse_network(ret, strchr(ret->text, '/'), err);
	if (!parse_address(ret->text, &ret->address))
		return err_set(err, EINVAL, "is no address: names are not looked up");
	return 0;
}

/* * stands for any characters, ? for one. In time that does not explode. */
static bool
pattern_matches(const char *p, const char *s)
{
	const char *star = NULL;
	const char *back = NULL;

	while (*s != '\0') {
		if (*p == '*') {
			star = p++;
			back = s;
		} else if (*p != '\0' && (*p == '?' || *p == *s)) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star + 1;
			s = ++back;
		} else {
			return false;
		}
	}
	return p[strspn(p, "*")] == '\0';
}

static bool
entry_matches(const struct entry *e, const struct address *a, const char *text)
{
	if (e->pattern)
		return pattern_matches(e->text, text);
	return e->address.v4 == a->v4 && same_bits(&e->address.bits, &a->bits, e->prefix);
}

/* The next entry of a list: its length; *ret_rest is what follows, NULL behind the last. */
static size_t
next_entry(const char *list, const char **ret_rest)
{
	size_t len = strcspn(list, ",");

	*ret_rest = list[len] == ',' ? list + len + 1 : NULL;
	return len;
}

int
key_from_check(const char *list, struct err *err)
{
	bool any = false;

	if (strlen(list) > KEY_FROM_MAX)
		return err_set(err, EINVAL, "has more than %d bytes", KEY_FROM_MAX);
	for (const char *s = list, *rest; s != NULL; s = rest) {
		size_t len = next_entry(s, &rest);
		struct entry e;

		if (parse_entry(s, len, &e, err) < 0)
			return err_wrap(err, "\"%.*s\"", (int)(len < ENTRY_MAX ? len : ENTRY_MAX), s);
		any = any || !e.negated;
	}
	return any ? 0 : err_set(err, EINVAL, "says only from where not: add \"*\" for everywhere else");
}

/* The address as it is usually written, so that a pattern knows what to expect. */
static bool
canonical(const struct address *a, char ret[INET6_ADDRSTRLEN])
{
	return inet_ntop(a->v4 ? AF_INET : AF_INET6,
		   a->v4 ? (const void *)&a->bits.s6_addr[12] : (const void *)&a->bits, ret, INET6_ADDRSTRLEN) != NULL;
}

bool
key_from_matches(const char *list, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct address a;
	bool found = false;

	if (!parse_address(address, &a) || !canonical(&a, text))
		return false;
	for (const char *s = list, *rest; s != NULL; s = rest) {
		size_t len = next_entry(s, &rest);
		struct entry e;

		if (parse_entry(s, len, &e, NULL) < 0)
			return false;
		if (!entry_matches(&e, &a, text))
			continue;
		if (e.negated)
			return false;
		found = true;
	}
	return found;
}
