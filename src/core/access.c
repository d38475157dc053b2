#include "core/access.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/key_from.h"

void
access_begin(struct access *a, const struct asker *asker)
{
	char fingerprint[KEYS_FINGERPRINT_SIZE];

	keys_fingerprint(asker->blob, asker->blob_len, fingerprint);
	*a = (struct access){.who = str_dup(fingerprint), .place = str_dup("")};
}

void
access_done(struct access *a)
{
	strv_done(&a->may);
	free(a->who);
	free(a->place);
	*a = (struct access){0};
}

/* Why a line with the key does not count, here and now; NULL when it does. */
static const char *
why_not(const struct key_limits *l, const struct asker *asker)
{
	if (l->until_s != 0 && asker->now_s > l->until_s)
		return "the key has expired";
	if (l->from != NULL && !key_from_matches(l->from, asker->address))
		return "the key may not come from there";
	return NULL;
}

static void
add_limits(struct access *a, const struct key_limits *l)
{
	a->known = true;
	a->all = a->all || l->ops.n == 0;
	a->terminal = a->terminal || (!l->no_pty && key_limits_allow(l, "exec"));
	for (size_t i = 0; i < l->ops.n; i++) {
		if (!strv_has(&a->may, l->ops.v[i]))
			strv_add(&a->may, l->ops.v[i]);
	}
}

/* The first line that counts is the one that is named. */
static void
add_name(struct access *a, const char *name, char *take_place)
{
	auto_free char *place = take_place;
	auto_free char *who = NULL;

	if (a->place[0] != '\0')
		return;
	who = str_printf("%s %s", a->who, name);
	str_set(&a->who, who);
	str_set(&a->place, place);
}

void
access_add_keys(struct access *a, const struct keys *keys, const struct asker *asker)
{
	const struct key *key = NULL;

	while ((key = keys_next(keys, key, asker->blob, asker->blob_len)) != NULL) {
		const char *why = why_not(&key->auth.limits, asker);

		if (why != NULL) {
			a->why = why;
			continue;
		}
		add_limits(a, &key->auth.limits);
		add_name(a, key->file, str_printf("ssh/%s:%d", key->file, key->line));
	}
}

bool
access_may(const struct access *a, const char *op)
{
	return a->known && (a->all || strv_has(&a->may, op));
}

char *
access_address(const char *peer)
{
	const char *end = strrchr(peer, ':');

	if (end == NULL)
		return str_dup(peer);
	if (peer[0] == '[' && end > peer + 1 && end[-1] == ']')
		return str_printf("%.*s", (int)(end - peer - 2), peer + 1);
	return str_printf("%.*s", (int)(end - peer), peer);
}
