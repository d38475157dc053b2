/* The URL of a submodule, as whoever can push writes it: it stays on the repository's server, or is plain https. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/submodule_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How every URL begins that is of the same server. */
static const struct {
	const char *base, *begins, *also;
} bases[] = {
    {"https://host/g/a.git", "https://host/", NULL},
    {"git@host:g/a.git", "git@host:", "ssh://git@host/"},
    {"ssh://git@host:22/g/a.git", "ssh://git@host:22/", NULL},
    {"/srv/git/a.git", "/srv/git/", NULL},
    {"file:///srv/git/a.git", "file:///srv/git/", NULL},
};

static void
check(const char *url, bool foreign, size_t i)
{
	const char *also = bases[i].also;

	assert(url[0] != '-' && !strstr(url, "::") && !strstr(url, "/../") && !str_ends(url, "/.."));
	for (const char *c = url; *c; c++)
		assert((unsigned char)*c > ' ');
	if (foreign)
		assert(strncasecmp(url, "https://", 8) == 0 && url[8] != '/' && url[8] != '\0');
	else
		assert(strncasecmp(url, bases[i].begins, strlen(bases[i].begins)) == 0 ||
		       (also && strncasecmp(url, also, strlen(also)) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT(1 << 16);

	buf_add(&text, data, size);
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		auto_free char *url = NULL;
		bool foreign = false;
		struct err err;

		if (submodule_url(bases[i].base, buf_str(&text), &url, &foreign, &err) >= 0)
			check(url, foreign, i);
	}
	return 0;
}
