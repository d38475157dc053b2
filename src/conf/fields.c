#include "conf/fields.h"

#include <errno.h>
#include <stdlib.h>

int
field_string(const char *s, const char *name, field_rule rule, char **ret_s, struct err *err)
{
	if (s == NULL)
		return err_set(err, EINVAL, "\"%s\" is no string", name);
	if (rule(s, err) < 0)
		return err_wrap(err, "\"%s\"", name);
	*ret_s = str_dup(s);
	return 0;
}

int
field_optional(const json_t *v, const char *name, field_rule rule, char **ret_s, struct err *err)
{
	if (json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return err_set(err, EINVAL, "\"%s\" is neither a string nor null", name);
	return field_string(json_string_value(v), name, rule, ret_s, err);
}

int
field_list(const json_t *v, const char *name, field_rule rule, struct strv *sv, struct err *err)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(v))
		return err_set(err, EINVAL, "\"%s\" is not a list", name);
	json_array_foreach(v, i, item)
	{
		if (!json_is_string(item))
			return err_set(err, EINVAL, "\"%s\" has something else than strings", name);
		if (rule(json_string_value(item), err) < 0)
			return err_wrap(err, "\"%s\"", name);
		if (!strv_add(sv, json_string_value(item)))
			return err_set(err, EINVAL, "\"%s\" has too many entries", name);
	}
	return 0;
}

json_t *
field_strings(const struct strv *sv)
{
	json_t *list = json_array();

	if (list == NULL)
		abort();
	for (size_t i = 0; i < sv->n; i++) {
		if (json_array_append_new(list, json_string(sv->v[i])) != 0)
			abort();
	}
	return list;
}
