/* The walk: a model along the table. Knows no key by name. */
#include "compose/policy.h"

#include <stdarg.h>
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/policy_table.h"

enum { PATH_TEXT_MAX = 1024, SENTENCE_MAX = 1024 };

static void walk_object(struct check *c, const json_t *obj, const struct shape *shape);

/* Goes one step down; the result is for path_pop. */
static size_t
path_push(struct check *c, const char *key)
{
	size_t len = c->path.len;

	buf_printf(&c->path, "%s%s", len == 0 ? "" : ".", key);
	return len;
}

static size_t
path_push_index(struct check *c, size_t i)
{
	size_t len = c->path.len;

	buf_printf(&c->path, "[%zu]", i);
	return len;
}

static void
path_pop(struct check *c, size_t len)
{
	c->path.len = len;
	c->path.full = false;
	if (c->path.data != NULL)
		c->path.data[len] = '\0';
}

void
check_fail(struct check *c, const char *below, const char *advice, const char *rule, ...)
{
	auto_buf struct buf text = BUF_INIT(SENTENCE_MAX);
	va_list ap;

	va_start(ap, rule);
	buf_vprintf(&text, rule, ap);
	va_end(ap);
	violations_add(c->out, str_printf("%s%s", buf_str(&c->path), below == NULL ? "" : below), buf_take(&text),
	    str_dup(advice == NULL ? "remove the key" : advice));
}

bool
check_word(const char *words, const char *word)
{
	const char *end;

	for (; *words != '\0'; words = *end == '|' ? end + 1 : end) {
		size_t len = strcspn(words, "|");

		end = words + len;
		if (len > 0 && words[len - 1] == '*' && strncmp(words, word, len - 1) == 0)
			return true;
		if (strlen(word) == len && memcmp(words, word, len) == 0)
			return true;
	}
	return false;
}

static void
judge_only(struct check *c, const json_t *value)
{
	const char *word = json_string_value(value);

	if (word == NULL)
		check_fail(c, NULL, c->row->advice, "%s must be a word", c->row->name);
	else if (!check_word(c->row->words, word) && !check_allowed(c, c->row->allow, word))
		check_fail(c, NULL, c->row->advice, "%s: %.200s is not allowed", c->row->name, word);
}

static void
refuse_word(struct check *c, const char *at, const char *word)
{
	if (!check_allowed(c, c->row->allow, word))
		check_fail(c, at, c->row->advice, "%s: %.200s is not allowed", c->row->name, word);
}

static void
judge_refused(struct check *c, const json_t *value)
{
	if (check_allowed(c, c->row->allow, NULL))
		return;
	if (c->row->by_word)
		check_words(c, value, refuse_word);
	else if (c->row->rule != NULL)
		check_fail(c, NULL, c->row->advice, "%s", c->row->rule);
	else
		check_fail(c, NULL, c->row->advice, "%s is not allowed", c->row->name);
}

static void
walk_map(struct check *c, const json_t *map, const struct shape *shape)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)map, key, value)
	{
		size_t len = path_push(c, key);

		c->name = key;
		walk_object(c, value, shape);
		path_pop(c, len);
	}
}

static void
walk_list(struct check *c, const json_t *list, const struct shape *shape)
{
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		size_t len = path_push_index(c, i);

		walk_object(c, value, shape);
		path_pop(c, len);
	}
}

/* What has the wrong shape has not been understood, so it is refused, for root too: compose would refuse it as well. */
static void
walk_down(struct check *c, const json_t *value, const struct key *row)
{
	if (row->verdict == KEY_LIST && json_is_array(value))
		walk_list(c, value, row->shape);
	else if (row->verdict == KEY_MAP && json_is_object(value))
		walk_map(c, value, row->shape);
	else if (row->verdict == KEY_OBJECT && json_is_object(value))
		walk_object(c, value, row->shape);
	else
		check_fail(c, NULL, NULL, "%s must be a %s", row->name, row->verdict == KEY_LIST ? "list" : "mapping");
}

static void
judge(struct check *c, const json_t *value, const struct key *row)
{
	bool lifted = c->policy->root && !row->always;

	if (row->verdict == KEY_PASS || json_is_unset(value))
		return;
	c->row = row;
	switch (row->verdict) {
	case KEY_PASS:
		break;
	case KEY_REFUSE:
		if (!lifted)
			judge_refused(c, value);
		break;
	case KEY_ONLY:
		if (!lifted)
			judge_only(c, value);
		break;
	case KEY_CHECK:
		if (!lifted)
			row->check(c, value);
		break;
	case KEY_OBJECT:
	case KEY_MAP:
	case KEY_LIST:
		walk_down(c, value, row);
		break;
	}
}

static const struct key *
find_key(const struct shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->n; i++) {
		if (strcmp(shape->keys[i].name, name) == 0)
			return &shape->keys[i];
	}
	return NULL;
}

static void
judge_key(struct check *c, const char *key, const json_t *value, const struct shape *shape)
{
	const struct key *row = find_key(shape, key);

	if (row != NULL)
		judge(c, value, row);
	else if (!str_starts(key, "x-") && !c->policy->root)
		check_fail(c, NULL, NULL, "%.200s is not a key that pgo knows, so it is not allowed", key);
}

static void
walk_object(struct check *c, const json_t *obj, const struct shape *shape)
{
	const char *key;
	json_t *value;

	if (!json_is_object(obj) && !json_is_null(obj)) {
		check_fail(c, NULL, "write a mapping", "this must be a mapping");
		return;
	}
	if (shape->whole != NULL)
		shape->whole(c, obj);
	json_object_foreach((json_t *)obj, key, value)
	{
		size_t len = path_push(c, key);

		judge_key(c, key, value, shape);
		path_pop(c, len);
	}
}

size_t
policy_check(const json_t *model, const struct policy *policy, struct violations *ret)
{
	struct check c = {.policy = policy, .model = model, .out = ret, .path = BUF_INIT(PATH_TEXT_MAX)};
	size_t before = ret->n;

	if (check_names_are_few(&c)) {
		walk_object(&c, model, &policy_model);
		if (!policy->root)
			check_nested(&c);
	}
	policy_x_pgo(model, ret);
	buf_done(&c.path);
	violations_sort(ret);
	return ret->n - before + (ret->more && ret->n == before);
}

void
policy_image_config(const json_t *config, const char *service, const struct policy *policy, struct violations *ret)
{
	struct check c = {.policy = policy, .out = ret, .path = BUF_INIT(PATH_TEXT_MAX)};
	const char *label;
	json_t *value;
	size_t i;

	buf_printf(&c.path, "services.%s.image", service);
	json_object_foreach(json_object_get(config, "Labels"), label, value) check_label(&c, NULL, label, false);
	json_array_foreach(json_object_get(config, "Env"), i, value)
	{
		if (!policy->root && json_is_string(value))
			check_variable(&c, NULL, json_string_value(value));
	}
	buf_done(&c.path);
	violations_sort(ret);
}
