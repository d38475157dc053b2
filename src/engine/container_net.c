/* A container's networks: what the engine says of them, as lines that a copy of the container holds. */
#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "engine/container_net.h"

#define NETWORK_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define HEX "0123456789abcdef"

static const char *
member(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static bool
is_ip(const char *s)
{
	struct in6_addr any;

	return strlen(s) < CONTAINER_ADDRESS_MAX &&
	       (inet_pton(AF_INET, s, &any) == 1 || inet_pton(AF_INET6, s, &any) == 1);
}

static const char *
ip_of(const json_t *settings)
{
	static const char *const keys[] = {"IPAddress", "GlobalIPv6Address"};

	for (size_t i = 0; i < 2; i++) {
		if (is_ip(member(settings, keys[i])))
			return member(settings, keys[i]);
	}
	return "";
}

void
container_net_lines(const json_t *networks, struct buf *ret)
{
	const char *name;
	json_t *settings;

	json_object_foreach((json_t *)networks, name, settings)
	{
		const char *id = member(settings, "NetworkID");
		size_t len = strspn(name, NETWORK_CHARS);

		if (len == 0 || len > CONTAINER_NETWORK_MAX || name[len] != '\0' || strspn(id, HEX) != CONTAINER_ID_LEN)
			continue;
		/* What does not fit is left out whole. */
		if (ret->len + len + CONTAINER_NETWORK_ID + CONTAINER_ADDRESS_MAX + 3 > ret->limit)
			return;
		buf_printf(ret, "%s %.*s %s\n", name, CONTAINER_NETWORK_ID, id, ip_of(settings));
	}
}

/* The word at *at, up to the character that ends it, and that character skipped. */
static void
word(const char **at, char end, char *ret, size_t size)
{
	const char *stop = strchr(*at, end);
	size_t len = stop == NULL ? strlen(*at) : (size_t)(stop - *at);

	if (len >= size)
		len = size - 1;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at = stop == NULL ? *at + strlen(*at) : stop + 1;
}

bool
container_address(const char **at, struct container_address *ret)
{
	if (*at == NULL || **at == '\0')
		return false;
	word(at, ' ', ret->network, sizeof(ret->network));
	word(at, ' ', ret->id, sizeof(ret->id));
	word(at, '\n', ret->ip, sizeof(ret->ip));
	return true;
}
