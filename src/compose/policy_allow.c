/* What the administrator lets a service do besides. */
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "compose/json.h"
#include "compose/policy_table.h"
#include "ipc/allow.h"

/* The next entry about this key from *i on, its value; NULL at the end. */
static const char *
next_allowed(const struct check *c, const char *key, size_t *i)
{
	const struct strv *allow = c->policy->allow;

	while (key != NULL && allow != NULL && *i < allow->n) {
		const char *value = allow_value(allow->v[(*i)++], key);

		if (value != NULL)
			return value;
	}
	return NULL;
}

bool
check_allowed(const struct check *c, const char *key, const char *value)
{
	const char *allowed;
	size_t i = 0;

	while ((allowed = next_allowed(c, key, &i)) != NULL) {
		if (allowed[0] == '\0' || value == NULL) {
			if (allowed[0] == '\0' && (value == NULL || value[0] == '\0'))
				return true;
			continue;
		}
		if (str_eq(allowed, value) ||
		    (str_ends(allowed, "*") && strncmp(allowed, value, strlen(allowed) - 1) == 0))
			return true;
	}
	return false;
}

bool
check_allowed_path(const struct check *c, const char *path, bool read_only)
{
	const char *allowed;
	size_t i = 0;

	while ((allowed = next_allowed(c, "volumes", &i)) != NULL) {
		auto_free char *dir = str_dup(allowed);
		bool only_read = str_ends(dir, ":ro");

		if (only_read)
			dir[strlen(dir) - strlen(":ro")] = '\0';
		if (path_is_beneath(dir, path, NULL) && (read_only || !only_read))
			return true;
	}
	return false;
}

/* "5005/5": 5005 to 5010, as the key has always meant it. */
static bool
is_in_range(const char *range, int64_t first, int64_t last)
{
	auto_free char *text = str_dup(range);
	char *slash = strchr(text, '/');
	int64_t low, count = 0;

	if (slash != NULL)
		*slash++ = '\0';
	return str_to_int(text, 1, ALLOW_PORT_MAX, &low) &&
	       (slash == NULL || str_to_int(slash, 0, ALLOW_PORT_MAX, &count)) && first >= low && last <= low + count;
}

bool
check_allowed_ports(const struct check *c, int64_t first, int64_t last, const char *protocol)
{
	const struct strv *ranges = c->policy->ports;
	struct allow_ports ports;
	const char *allowed;
	size_t i;

	for (i = 0; ranges != NULL && i < ranges->n; i++) {
		if (is_in_range(ranges->v[i], first, last))
			return true;
	}
	i = 0;
	while ((allowed = next_allowed(c, "ports", &i)) != NULL) {
		if (allow_ports_parse(allowed, &ports) && first >= ports.first && last <= ports.last &&
		    (ports.protocol[0] == '\0' || str_eq(ports.protocol, protocol)))
			return true;
	}
	return false;
}

static void
list_words(struct check *c, const json_t *list, void (*one)(struct check *c, const char *at, const char *word))
{
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value)
	{
		auto_free char *at = str_printf("[%zu]", i);
		const char *word = json_is_object(value) ? json_str(value, "source") : json_string_value(value);

		if (word != NULL)
			one(c, at, word);
		else
			check_fail(c, at, NULL, "%s must be a list of words", c->row->name);
	}
}

void
check_words(struct check *c, const json_t *value, void (*one)(struct check *c, const char *at, const char *word))
{
	const char *key;
	json_t *child;

	if (json_is_array(value))
		list_words(c, value, one);
	else if (json_is_string(value))
		one(c, NULL, json_string_value(value));
	else if (!json_is_object(value))
		check_fail(c, NULL, NULL, "%s must be a list or a mapping", c->row->name);
	json_object_foreach((json_t *)value, key, child)
	{
		auto_free char *at = str_printf(".%s", key);

		one(c, at, key);
	}
}
