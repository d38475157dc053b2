#include "ipc/opalias.h"

#include <string.h>

#include "base/auto.h"
#include "ipc/opname.h"

/* What stands behind the word. */
enum shape {
	NAME,	   /* NAME ARG... */
	KEY,	   /* NAME/KEY */
	KEY_VALUE, /* NAME/KEY VALUE */
};

static const struct {
	const char *word;
	const char *op;
	const char *arg; /* which comes first; NULL: none */
	enum shape shape;
} aliases[] = {
    {"config", "config", "list", NAME},
    {"config:set", "config", "set", KEY_VALUE},
    {"config:get", "config", "get", KEY},
    {"config:rm", "config", "unset", KEY},
    {"config:export", "config", "export", NAME},
    {"config:options", "config", "options", NAME},
    {"start", "start", NULL, NAME},
    {"stop", "stop", NULL, NAME},
    {"restart", "restart", NULL, NAME},
    {"reload", "restart", NULL, NAME},
    {"domains:set", "domains", "set", NAME},
    {"domains:get", "domains", "list", NAME},
    {"service:tags", "tags", NULL, NAME},
};

/* "NAME/KEY" or "NAME": *ret_len is that of the name, which is no host's. */
static bool
is_name(const char *word, bool key, size_t *ret_len)
{
	size_t len = strcspn(word, "/");

	if (len == 0 || word[0] == '-' || (len == strlen(OPNAME_HOST_SERVICE) && str_starts(word, OPNAME_HOST_SERVICE)))
		return false;
	*ret_len = len;
	return key ? word[len] == '/' && word[len + 1] != '\0' && strstr(word, "//") == NULL : word[len] == '\0';
}

static bool
fill(size_t i, const struct strv *words, size_t len, struct opline *ret)
{
	const char *name = words->v[1];
	bool ok = aliases[i].arg == NULL || strv_add(&ret->args, aliases[i].arg);

	ret->service = str_printf("%.*s", (int)len, name);
	ret->op = str_dup(aliases[i].op);
	if (aliases[i].shape == KEY_VALUE)
		return ok && strv_add_take(&ret->args, str_printf("%s=%s", name + len + 1, words->v[2]));
	if (aliases[i].shape == KEY)
		return ok && strv_add(&ret->args, name + len + 1);
	for (size_t k = 2; ok && k < words->n; k++)
		ok = strv_add(&ret->args, words->v[k]);
	return ok && ret->args.n <= OPLINE_ARGS_MAX;
}

static bool
on_host(const struct strv *words, struct opline *ret)
{
	auto_free char *name = str_printf(OPNAME_HOST "%s", words->v[0]);
	bool ok = opname_known(name);

	if (!ok)
		return false;
	ret->service = str_dup(OPNAME_HOST_SERVICE);
	ret->op = str_dup(words->v[0]);
	for (size_t i = 1; ok && i < words->n; i++)
		ok = strv_add(&ret->args, words->v[i]);
	return ok;
}

bool
opalias(const struct strv *words, struct opline *ret)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		enum shape shape = aliases[i].shape;

		if (!str_eq(words->v[0], aliases[i].word) || words->n < 2 || !is_name(words->v[1], shape != NAME, &len))
			continue;
		if (shape == NAME || words->n == (shape == KEY ? 2 : 3))
			return fill(i, words, len, ret);
	}
	return on_host(words, ret);
}
