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
add_op(struct access *a, const char *op)
{
	if (!strv_has(&a->may, op))
		strv_add(&a->may, op);
}

static bool
among(const struct strv *ops, const char *op)
{
	return ops->n == 0 || strv_has(ops, op);
}

/* Adds what a line with the key allows: the operations that are in both lists; an empty one has all. */
static void
add_limits(struct access *a, const struct key_limits *l, const struct strv *other)
{
	const struct strv *from = l->ops.n > 0 ? &l->ops : other;

	a->known = true;
	a->all = a->all || from->n == 0;
	a->terminal = a->terminal || (!l->no_pty && among(&l->ops, "exec") && among(other, "exec"));
	for (size_t i = 0; i < from->n; i++) {
		if (among(&l->ops, from->v[i]) && among(other, from->v[i]))
			add_op(a, from->v[i]);
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
		add_limits(a, &key->auth.limits, &(struct strv){NULL, 0});
		add_name(a, key->file, str_printf("ssh/%s:%d", key->file, key->line));
	}
}

void
access_add_operators(
    struct access *a, const struct conf_operators *operators, const char *service, const struct asker *asker)
{
	for (size_t i = 0; i < operators->n; i++) {
		const struct conf_operator *o = &operators->v[i];
		auto_free char *name = NULL;
		const char *why;

		if (!authkey_is(&o->key, asker->blob, asker->blob_len) ||
		    (service != NULL && !operator_has(o, service)))
			continue;
		if ((why = why_not(&o->key.limits, asker)) != NULL) {
			a->why = why;
			continue;
		}
		name = str_printf("operator %s", o->name);
		a->operator= o;
		add_limits(a, &o->key.limits, &o->ops);
		add_name(a, name, str_dup(name));
	}
}

static void
add_pushkey(struct access *a, const struct pushkey *k)
{
	auto_free char *name = str_printf("key %s", k->name);

	a->known = true;
	add_name(a, name, str_dup(name));
}

void
access_add_pushkeys(
    struct access *a, const struct pushkeys *keys, const char *app, const char *repository, const struct asker *asker)
{
	const struct pushkey *k = pushkeys_with(keys, asker->blob, asker->blob_len);

	if (k == NULL || (!pushkey_may(k, app) && !pushkey_may(k, repository)))
		return;
	a->all = true;
	a->terminal = true;
	add_pushkey(a, k);
}

void
access_add_makers(struct access *a, const struct pushkeys *keys, const char *app, const struct asker *asker)
{
	const struct pushkey *k = pushkeys_with(keys, asker->blob, asker->blob_len);

	if (k == NULL || !pushkey_may_make(k, app))
		return;
	add_op(a, "push");
	add_pushkey(a, k);
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
