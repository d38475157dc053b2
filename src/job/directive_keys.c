/* What the directives want, in the words of compose. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "job/directives.h"
#include "job/yamltext.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool
is_port(const char *s)
{
	int64_t n;

	return str_to_int(s, 1, UINT16_MAX, &n);
}

static bool
is_container_name(const char *s)
{
	return isalnum((unsigned char)s[0]) && s[strspn(s, LETTERS DIGITS "_.-")] == '\0';
}

/* LINK_SERVICE src [name] is --link name:src, and BASE_src:src without a name. */
static bool
write_link(const char *app, const struct strv *args, struct buf *b)
{
	const char *src = args->v[0], *name = args->n > 1 ? args->v[1] : NULL;
	auto_free char *link = name != NULL ? str_printf("%s:%s", name, src) : str_printf("%s_%s:%s", app, src, src);

	return is_container_name(src) && (name == NULL || is_container_name(name)) && yamltext_quote(b, link);
}

/* MOUNT_FROM_HOST host [container] */
static bool
write_mount(const char *app, const struct strv *args, struct buf *b)
{
	const char *host = args->v[0], *target = args->n > 1 ? args->v[1] : host;
	bool ok =
	    path_is_clean(host) && path_is_clean(target) && strchr(host, ':') == NULL && strchr(target, ':') == NULL;

	(void)app;
	buf_str_add(b, "{\"type\":\"bind\",\"source\":");
	ok = yamltext_quote(b, host) && ok;
	buf_str_add(b, ",\"target\":");
	ok = yamltext_quote(b, target) && ok;
	buf_str_add(b, "}");
	return ok;
}

/* PORTS_FROM_HOST host container[/protocol] [address] */
static bool
write_port(const char *app, const struct strv *args, struct buf *b)
{
	const char *address = args->n > 2 ? args->v[2] : "0.0.0.0";
	auto_free char *target = str_dup(args->v[1]);
	char *slash = strchr(target, '/');
	struct in6_addr any;

	(void)app;
	if (slash != NULL)
		*slash++ = '\0';
	if (!is_port(args->v[0]) || !is_port(target) ||
	    (slash != NULL && !str_eq(slash, "tcp") && !str_eq(slash, "udp")) ||
	    (inet_pton(AF_INET, address, &any) != 1 && inet_pton(AF_INET6, address, &any) != 1))
		return false;
	buf_printf(b,
	    "{\"mode\":\"ingress\",\"target\":%s,\"published\":\"%s\",\"protocol\":\"%s\",\"host_ip\":\"%s\"}", target,
	    args->v[0], slash != NULL ? slash : "tcp", address);
	return true;
}

static bool
write_volumes_from(const char *app, const struct strv *args, struct buf *b)
{
	auto_free char *from = str_printf("container:%s_data", app);

	(void)args;
	return yamltext_quote(b, from);
}

static bool
write_name(const char *app, const struct strv *args, struct buf *b)
{
	(void)args;
	return yamltext_quote(b, app);
}

struct meaning {
	const char *key; /* of the compose service; NULL: it says nothing there */
	bool list;
	size_t least, most; /* arguments */
	bool (*write)(const char *app, const struct strv *args, struct buf *b);
	const char *usage;
};

static const struct meaning meanings[] = {
    [DIRECTIVE_ADD_NAME] = {"container_name", false, 0, 0, write_name, "ADD_NAME"},
    [DIRECTIVE_LINK_SERVICE] = {"external_links", true, 1, 2, write_link, "LINK_SERVICE SERVICE [CONTAINER]"},
    [DIRECTIVE_MOUNT_FROM_HOST] = {"volumes", true, 1, 2, write_mount,
	"MOUNT_FROM_HOST /PATH/OF/THE/HOST [/PATH/IN/THE/CONTAINER]"},
    [DIRECTIVE_NO_HTTP_PROXY] = {NULL, false, 0, 0, NULL, "NO_HTTP_PROXY"},
    [DIRECTIVE_PORTS_FROM_HOST] = {"ports", true, 2, 3, write_port,
	"PORTS_FROM_HOST HOSTPORT CONTAINERPORT[/udp] [ADDRESS]"},
    [DIRECTIVE_VOLUMES_FROM] = {"volumes_from", true, 0, 0, write_volumes_from, "VOLUMES_FROM"},
};
_Static_assert(ARRAY_LEN(meanings) == DIRECTIVE_WORDS, "every word has its meaning");

/* Who only writes the repository must not be handed the host by a comment. */
void
directives_check(const struct directives *all, const struct strv *allowed, struct strv *complaints)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct directive *d = &all->v[i];
		const struct meaning *m = &meanings[d->word];
		const char *name = directive_name(d->word);

		if (m->key != NULL && !strv_has(allowed, name))
			strv_add_take(complaints,
			    str_printf("Dockerfile:%d: the directive %s is not allowed: remove the line, or ask the "
				       "administrator to list it under directives of [push] in pgo.toml",
				d->line, name));
		else if (d->args.n < m->least || d->args.n > m->most)
			strv_add_take(
			    complaints, str_printf("Dockerfile:%d: %s has too %s arguments: write it like \"# %s\"",
					    d->line, name, d->args.n < m->least ? "few" : "many", m->usage));
	}
}

static void
write_key(
    const struct directives *all, enum directive_word word, const char *app, struct buf *b, struct strv *complaints)
{
	const struct meaning *m = &meanings[word];
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct directive *d = &all->v[i];

		/* What can be said once is said once. */
		if (d->word != word || d->args.n < m->least || d->args.n > m->most || (n > 0 && !m->list))
			continue;
		if (n++ == 0)
			buf_printf(b, ",\"%s\":%s", m->key, m->list ? "[" : "");
		else
			buf_str_add(b, ",");
		if (!m->write(app, &d->args, b))
			strv_add_take(
			    complaints, str_printf("Dockerfile:%d: %s is not understood: write it like \"# %s\"",
					    d->line, directive_name(word), m->usage));
	}
	if (n > 0 && m->list)
		buf_str_add(b, "]");
}

void
directives_write(const struct directives *all, const char *app, struct buf *b, struct strv *complaints)
{
	for (size_t i = 0; i < DIRECTIVE_WORDS; i++) {
		if (meanings[i].key != NULL)
			write_key(all, (enum directive_word)i, app, b, complaints);
	}
}

bool
directives_have(const struct directives *all, enum directive_word word)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].word == word)
			return true;
	}
	return false;
}
