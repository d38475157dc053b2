#include "compose/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "compose/json.h"
#include "compose/model.h"

enum mask {
	MASK_URLS,  /* shown, but for an address with a password in it */
	MASK_WORDS, /* shown unless it looks like a password: people put them here, too */
	MASK_ALL,   /* never shown */
};

/* What a key says of everything beneath it. */
static const struct {
	const char *key;
	enum mask mask;
} masks[] = {
    {"environment", MASK_ALL},
    {"args", MASK_ALL},
    {"content", MASK_ALL},
    {"dockerfile_inline", MASK_ALL},
    {"driver_opts", MASK_ALL},
    {"options", MASK_ALL},
    {"annotations", MASK_WORDS},
    {"command", MASK_WORDS},
    {"entrypoint", MASK_WORDS},
    {"labels", MASK_WORDS},
    {"test", MASK_WORDS},
};

static const char HIDDEN[] = "(hidden)";

enum { LIST_MAX = 256 }; /* entries of two lists that are held against each other one by one */

struct place {
	const char *path;
	enum mask mask;
};

static void walk(const struct place *at, const json_t *was, const json_t *is, struct changes *ret);

void
changes_done(struct changes *cs)
{
	for (size_t i = 0; i < cs->n; i++) {
		free(cs->v[i].path);
		free(cs->v[i].was);
		free(cs->v[i].is);
	}
	free(cs->v);
	*cs = (struct changes){0};
}

/* --- secrets --- */

/* "scheme://user:password@host" anywhere in the text. */
static bool
has_url_password(const char *text)
{
	for (const char *p = strstr(text, "://"); p != NULL; p = strstr(p, "://")) {
		size_t len;

		p += 3;
		len = strcspn(p, " \t\n");
		if (memchr(p, '@', len) != NULL)
			return true;
	}
	return false;
}

/* "-psecret", as the clients of databases take it. */
static bool
has_short_password(const char *text)
{
	for (const char *p = strstr(text, "-p"); p != NULL; p = strstr(p + 2, "-p")) {
		bool begins = p == text || strchr(" \t\n\"'", p[-1]) != NULL;

		if (begins && p[2] != '\0' && strchr(" \t\n\"'", p[2]) == NULL)
			return true;
	}
	return false;
}

bool
diff_looks_secret(const char *text)
{
	static const char *const words[] = {"pass", "pwd", "secret", "token", "auth", "cred", "apikey", "api_key",
	    "api-key", "private", "access_key", "access-key", "bearer", "salt"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasestr(text, words[i]) != NULL)
			return true;
	}
	return has_url_password(text) || has_short_password(text);
}

static bool
hides(const struct place *at, const char *text)
{
	if (text == NULL || at->mask == MASK_ALL)
		return at->mask == MASK_ALL;
	if (has_url_password(text))
		return true;
	return at->mask == MASK_WORDS && (diff_looks_secret(text) || diff_looks_secret(at->path));
}

static enum mask
mask_below(enum mask above, const char *key)
{
	if (str_eq(key, "x-pgo"))
		return above;
	if (str_starts(key, "x-"))
		return MASK_ALL;
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		if (str_eq(masks[i].key, key) && masks[i].mask > above)
			return masks[i].mask;
	}
	return above;
}

/* One line, escaped, at most DIFF_TEXT_MAX bytes. NULL stays NULL. */
static char *
shown(const char *text)
{
	auto_buf struct buf out = BUF_INIT(DIFF_TEXT_MAX);

	if (text == NULL)
		return NULL;
	buf_vis(&out, text, strlen(text), false);
	return out.full ? str_printf("%s…", buf_str(&out)) : str_dup(buf_str(&out));
}

static void
add(struct changes *ret, const char *path, const char *was, const char *is, bool hidden)
{
	struct change *grown;

	if (ret->n == DIFF_CHANGES_MAX) {
		ret->more++;
		return;
	}
	grown = realloc(ret->v, (ret->n + 1) * sizeof(*grown));
	if (grown == NULL)
		abort();
	ret->v = grown;
	ret->v[ret->n++] =
	    (struct change){shown(has_url_password(path) ? HIDDEN : path), shown(was), shown(is), hidden};
}

void
diff_add(struct changes *ret, const char *path, const char *was, const char *is)
{
	add(ret, path, was, is, false);
}

/* --- texts --- */

/* A value in one line; NULL for none. The caller frees. */
static char *
text_of(const json_t *value)
{
	auto_free char *text = NULL;

	if (value == NULL)
		return NULL;
	if (json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0))
		return str_dup("default");
	text = json_is_string(value) ? str_dup(json_string_value(value))
				     : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	if (text == NULL)
		abort();
	return json_undollar(text);
}

static void
leaf(const struct place *at, const json_t *was, const json_t *is, struct changes *ret)
{
	auto_free char *old = text_of(was);
	auto_free char *new = text_of(is);

	/* One of them may be a secret: the other would tell how long, or that it was empty. */
	if (hides(at, old) || hides(at, new))
		add(ret, at->path, old != NULL ? HIDDEN : NULL, new != NULL ? HIDDEN : NULL, true);
	else
		add(ret, at->path, old, new, false);
}

/* A string or number of an object as a text of its own; NULL when there is none. The caller frees. */
static char *
member(const json_t *obj, const char *key)
{
	const json_t *value = json_object_get(obj, key);

	return json_is_string(value) || json_is_number(value) ? text_of(value) : NULL;
}

/* What an entry of a list is known by: "/data", "80/tcp", its place when it has no name. The caller frees. */
static char *
label_of(const json_t *entry, size_t i)
{
	auto_free char *target = member(entry, "target");
	auto_free char *protocol = member(entry, "protocol");
	auto_free char *source = member(entry, "source");

	if (target != NULL)
		return protocol != NULL ? str_printf("%s/%s", target, protocol) : TAKE(target);
	return source != NULL ? TAKE(source) : str_printf("%zu", i);
}

/* "./data:/data:ro" or "8080:80/tcp": a mount or a port as a compose file writes it. NULL for what is neither. The
 * caller frees. */
static char *
short_form(const json_t *entry)
{
	auto_free char *label = label_of(entry, 0);
	auto_free char *source = member(entry, "source");
	auto_free char *published = member(entry, "published");
	auto_free char *host = member(entry, "host_ip");
	bool typed = json_is_string(json_object_get(entry, "type"));

	if (json_object_get(entry, "target") == NULL)
		return NULL;
	if (typed && source != NULL)
		return str_printf(
		    "%s:%s%s", source, label, json_is_true(json_object_get(entry, "read_only")) ? ":ro" : "");
	if (published != NULL)
		return str_printf("%s%s%s:%s", host != NULL ? host : "", host != NULL ? ":" : "", published, label);
	return NULL;
}

/* --- the walk --- */

static bool
all_plain(const json_t *list)
{
	const json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		if (json_is_object(value) || json_is_array(value))
			return false;
	}
	return true;
}

static void
walk_entry(const struct place *at, const char *label, const json_t *was, const json_t *is, struct changes *ret)
{
	/* What an entry is known by may be the secret itself. */
	auto_free char *path = str_printf("%s[%s]", at->path, hides(at, label) ? "…" : label);
	auto_free char *text = was == NULL || is == NULL ? short_form(was != NULL ? was : is) : NULL;
	const struct place below = {path, at->mask};

	if (text == NULL)
		walk(&below, was, is, ret);
	else if (hides(&below, text))
		add(ret, path, was != NULL ? HIDDEN : NULL, is != NULL ? HIDDEN : NULL, true);
	else
		add(ret, path, was != NULL ? text : NULL, is != NULL ? text : NULL, false);
}

/* The labels of a list's entries. The caller frees. */
static void
labels_of(const json_t *list, struct strv *ret)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) strv_add_take(ret, label_of(entry, i));
}

/* Lists of mounts, ports and the like: their entries are known by what they lead to, so that one more in front moves
 * none. */
static void
walk_list(const struct place *at, const json_t *was, const json_t *is, struct changes *ret)
{
	auto_strv struct strv old = {NULL, 0};
	auto_strv struct strv new = {NULL, 0};
	bool paired[LIST_MAX] = {false};

	labels_of(was, &old);
	labels_of(is, &new);
	for (size_t i = 0; i < old.n; i++) {
		size_t j = 0;

		while (j < new.n && (paired[j] || !str_eq(old.v[i], new.v[j])))
			j++;
		if (j < new.n)
			paired[j] = true;
		walk_entry(at, old.v[i], json_array_get(was, i), j < new.n ? json_array_get(is, j) : NULL, ret);
	}
	for (size_t j = 0; j < new.n; j++) {
		if (!paired[j])
			walk_entry(at, new.v[j], NULL, json_array_get(is, j), ret);
	}
}

/* Keys of both, sorted, each once. The caller frees the array. */
static const char **
both_keys(const json_t *was, const json_t *is, json_t *all, size_t *ret_n)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)was, key, value) json_object_set_new(all, key, json_null());
	json_object_foreach((json_t *)is, key, value) json_object_set_new(all, key, json_null());
	return json_sorted_keys(all, ret_n);
}

static void
walk_object(const struct place *at, const json_t *was, const json_t *is, struct changes *ret)
{
	auto_json json_t *all = json_object();
	size_t n = 0;
	auto_free const char **keys = both_keys(was, is, all, &n);

	for (size_t i = 0; i < n; i++) {
		auto_free char *path = at->path[0] == '\0' ? str_dup(keys[i]) : str_printf("%s.%s", at->path, keys[i]);

		walk(&(struct place){path, mask_below(at->mask, keys[i])}, json_object_get(was, keys[i]),
		    json_object_get(is, keys[i]), ret);
	}
}

/* Has it something beneath it that is worth a line of its own? */
static bool
branches(const json_t *value)
{
	return json_object_size(value) > 0 || (json_is_array(value) && !all_plain(value));
}

static void
walk(const struct place *at, const json_t *was, const json_t *is, struct changes *ret)
{
	bool objects = (was == NULL || json_is_object(was)) && (is == NULL || json_is_object(is));
	bool lists = (was == NULL || json_is_array(was)) && (is == NULL || json_is_array(is));

	if ((was == NULL && is == NULL) || (was != NULL && is != NULL && json_equal(was, is)))
		return;
	if (!branches(was) && !branches(is)) {
		leaf(at, was, is, ret);
	} else if (objects) {
		walk_object(at, was, is, ret);
	} else if (!lists) {
		walk(at, was, NULL, ret);
		walk(at, NULL, is, ret);
	} else if (json_array_size(was) + json_array_size(is) <= LIST_MAX) {
		walk_list(at, was, is, ret);
	} else {
		/* Nobody has looked for secrets in so long a list. */
		leaf(&(struct place){at->path, MASK_ALL}, was, is, ret);
	}
}

void
diff_json(const char *path, const json_t *was, const json_t *is, struct changes *ret)
{
	const char *dot = strrchr(path, '.');
	struct place at = {path, mask_below(MASK_URLS, dot != NULL ? dot + 1 : path)};

	walk(&at, was, is, ret);
}
