#include "core/masks.h"

#include <sha256.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/mask.h"
#include "conf/masks.h"
#include "core/vars.h"

enum { MASKS_MAX = 32 * 1024 }; /* of a service: 5 MiB; what is beyond them is not hidden */

struct masks {
	struct mask *v; /* the longest first: what holds another one is found before it */
	size_t n;
};

static int
longest_first(const void *a, const void *b)
{
	const struct mask *x = a, *y = b;

	return x->len != y->len ? (x->len < y->len ? 1 : -1) : (x->roll > y->roll) - (x->roll < y->roll);
}

void
masks_add(struct masks **m, const struct strv *masks)
{
	size_t n = *m != NULL ? (*m)->n : 0;

	if (masks->n == 0)
		return;
	if (*m == NULL && (*m = calloc(1, sizeof(**m))) == NULL)
		abort();
	(*m)->v = reallocarray((*m)->v, n + masks->n, sizeof(*(*m)->v));
	if ((*m)->v == NULL)
		abort();
	for (size_t i = 0; i < masks->n && n < MASKS_MAX; i++) {
		if (mask_parse(masks->v[i], &(*m)->v[n], NULL) == 0)
			n++;
	}
	(*m)->n = n;
	qsort((*m)->v, n, sizeof(*(*m)->v), longest_first);
}

struct masks *
masks_new(const struct strv *masks)
{
	struct masks *m = NULL;

	masks_add(&m, masks);
	return m;
}

void
masks_add_vars(struct masks **m, const struct vars *vars)
{
	for (size_t i = 0; i < vars->n; i++) {
		auto_strv struct strv list = {NULL, 0};
		char *entry = str_printf("%s=%s", vars->v[i].name, vars->v[i].value);

		masks_of_env(entry, &list);
		str_wipe(entry);
		masks_add(m, &list);
	}
}

/* compose writes "$" twice in its models. */
static void
add_variable(const char *name, const char *value, struct strv *list)
{
	auto_buf struct buf entry = BUF_INIT(strlen(name) + strlen(value) + 2);

	buf_printf(&entry, "%s=", name);
	for (; *value != '\0'; value += 1 + (value[0] == '$' && value[1] == '$'))
		buf_add(&entry, value, 1);
	masks_of_env(buf_str(&entry), list);
}

struct masks *
masks_of_model(const json_t *model)
{
	auto_strv struct strv list = {NULL, 0};
	json_t *services = json_object_get(model, "services");
	const char *project = json_string_value(json_object_get(model, "name"));
	const char *service, *name;
	json_t *of, *value;

	json_object_foreach(services, service, of)
	{
		json_object_foreach(json_object_get(of, "environment"), name, value)
		{
			/* What everybody calls it is no secret, and would be hidden wherever it stands. */
			if (json_is_string(value) && !(project != NULL && str_eq(json_string_value(value), project)))
				add_variable(name, json_string_value(value), &list);
		}
	}
	return masks_new(&list);
}

void
masks_free(struct masks *m)
{
	if (m != NULL)
		free(m->v);
	free(m);
}

/* Which of n masks of one length the window is; NULL: none. */
static const struct mask *
match(const struct mask *v, size_t n, uint64_t roll, const char *window)
{
	char digest[MASK_DIGEST] = "";

	for (size_t i = 0; i < n; i++) {
		if (v[i].roll != roll)
			continue;
		if (digest[0] == '\0')
			SHA256Data((const uint8_t *)window, v[i].len, digest);
		if (str_eq(v[i].digest, digest))
			return &v[i];
	}
	return NULL;
}

static void
add_name(const struct mask *m, struct buf *out)
{
	if (str_eq(m->name, "-"))
		buf_str_add(out, "***");
	else
		buf_printf(out, "${%s}", m->name);
}

/* Hides what n masks of one length match. */
static void
hide_length(const struct mask *v, size_t n, struct buf *text)
{
	struct buf out = BUF_INIT(text->limit);
	const char *s = buf_str(text);
	size_t len = v->len, kept = 0;
	uint64_t factor = mask_factor(len);
	uint64_t roll = text->len < len ? 0 : mask_roll(s, len);

	for (size_t i = 0; i + len <= text->len;) {
		const struct mask *m = match(v, n, roll, s + i);

		if (m != NULL) {
			buf_add(&out, s + kept, i - kept);
			add_name(m, &out);
			kept = i += len;
			roll = i + len <= text->len ? mask_roll(s + i, len) : 0;
			continue;
		}
		roll = (roll - factor * (unsigned char)s[i]) * MASK_BASE + (unsigned char)s[i + len];
		i++;
	}
	if (kept == 0 && out.len == 0)
		return;
	buf_add(&out, s + kept, text->len - kept);
	buf_done(text);
	*text = out;
}

void
masks_hide(const struct masks *m, struct buf *text)
{
	if (m == NULL)
		return;
	for (size_t i = 0, n; i < m->n; i += n) {
		for (n = 1; i + n < m->n && m->v[i + n].len == m->v[i].len;)
			n++;
		hide_length(&m->v[i], n, text);
	}
}

void
masks_hide_str(const struct masks *m, char **text)
{
	auto_buf struct buf b = BUF_INIT(4 * strlen(*text) + 4096);

	if (m == NULL)
		return;
	buf_str_add(&b, *text);
	masks_hide(m, &b);
	free(*text);
	*text = buf_take(&b);
}
