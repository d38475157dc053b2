#include "supervisor/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/str.h"

enum reach { REACH_NONE, REACH_PRIVATE, REACH_GLOBAL };

/* Networks that nobody routes, and those that only their owner does. */
static const struct {
	uint32_t net;
	uint32_t mask;
	enum reach reach;
} nets[] = {
    {0x00000000, 0xff000000, REACH_NONE},
    {0x7f000000, 0xff000000, REACH_NONE},
    {0xa9fe0000, 0xffff0000, REACH_NONE},
    {0xe0000000, 0xe0000000, REACH_NONE},
    {0x0a000000, 0xff000000, REACH_PRIVATE},
    {0xac100000, 0xfff00000, REACH_PRIVATE},
    {0xc0a80000, 0xffff0000, REACH_PRIVATE},
    {0x64400000, 0xffc00000, REACH_PRIVATE},
};

static enum reach
reach_of(const struct in_addr *a)
{
	uint32_t n = ntohl(a->s_addr);

	for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
		if ((n & nets[i].mask) == nets[i].net)
			return nets[i].reach;
	}
	return REACH_GLOBAL;
}

char *
address_own(void)
{
	struct ifaddrs *all = NULL;
	enum reach best = REACH_NONE;
	char text[INET_ADDRSTRLEN] = "127.0.0.1";

	if (getifaddrs(&all) < 0)
		return str_dup(text);
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)i->ifa_addr;
		enum reach reach;

		if (sin == NULL || sin->sin_family != AF_INET || (i->ifa_flags & IFF_UP) == 0)
			continue;
		reach = reach_of(&sin->sin_addr);
		if (reach > best && inet_ntop(AF_INET, &sin->sin_addr, text, sizeof(text)) != NULL)
			best = reach;
	}
	freeifaddrs(all);
	return str_dup(text);
}
