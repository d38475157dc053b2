#include "conf/operators.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "conf/fields.h"
#include "conf/rules.h"
#include "ipc/opname.h"

enum { NAME_MAX_LEN = 64, SHOWN_MAX = 64 };

int
rule_operator(const char *s, struct err *err)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";

	if (s[0] == '\0')
		return err_set(err, EINVAL, "is empty: write a name such as \"alice\"");
	if (s[strspn(s, ok)] != '\0')
		return err_set(err, EINVAL, "may hold only letters, digits, \".\", \"_\", \"@\" and \"-\"");
	if (strlen(s) > NAME_MAX_LEN)
		return err_set(err, EINVAL, "has %zu characters: %d are allowed", strlen(s), NAME_MAX_LEN);
	return 0;
}

int
rule_operator_key(const char *s, struct err *err)
{
	auto_authkey struct authkey key = {0};
	auto_buf struct buf why = BUF_INIT(ERR_MSG_MAX / 2);
	struct err inner = ERR_INIT;

	if (s[0] == '/' || s[0] == '~')
		return err_set(err, EINVAL, "is a path: write the line of the public key itself");
	if (strstr(s, "PRIVATE KEY") != NULL)
		return err_set(err, EINVAL, "is a private key: write the public one, and make a new pair");
	if (strchr(s, '\n') != NULL)
		return err_set(err, EINVAL, "has several lines: write one, and an operator for each further key");
	if (authkey_parse(s, &key, &inner) >= 0)
		return 0;
	buf_vis(&why, inner.msg, strlen(inner.msg), false);
	return err_set(err, EINVAL, "is no usable public key: %s", buf_str(&why));
}

int
rule_operator_op(const char *s, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(4 * SHOWN_MAX);

	if (opname_known(s))
		return 0;
	buf_vis(&shown, s, strnlen(s, SHOWN_MAX), false);
	return err_set(
	    err, EINVAL, "is no operation: %s (of the host as a whole: \"" OPNAME_HOST "status\")", buf_str(&shown));
}

static int
read_names(const json_t *v, const char *name, field_rule rule, struct strv *sv, struct err *err)
{
	if (json_is_null(v))
		return 0;
	if (json_array_size(v) == 0)
		return err_set(err, EINVAL, "\"%s\" is neither null nor a list with something in it", name);
	return field_list(v, name, rule, sv, err);
}

static int
read_one(const json_t *row, struct conf_operator *o, struct err *err)
{
	json_error_t e;
	const char *name = NULL;
	const char *key = NULL;
	const json_t *services = NULL;
	const json_t *ops = NULL;
	int r;

	if (json_unpack_ex((json_t *)row, &e, JSON_STRICT, "{s:s, s:s, s:o, s:o}", "name", &name, "key", &key,
		"services", &services, "ops", &ops) < 0)
		return err_set(err, EINVAL, "%s", e.text);
	if ((r = field_string(name, "name", rule_operator, &o->name, err)) < 0 ||
	    (r = field_string(key, "key", rule_operator_key, &o->line, err)) < 0 ||
	    (r = read_names(services, "services", rule_name, &o->names, err)) < 0 ||
	    (r = read_names(ops, "ops", rule_operator_op, &o->ops, err)) < 0)
		return r;
	return authkey_parse(key, &o->key, err);
}

int
operators_read(const json_t *list, struct conf_operators *ret, struct err *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return err_set(err, EINVAL, "\"operators\" is not a list");
	if (n > 0 && (ret->v = calloc(n, sizeof(*ret->v))) == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		/* It counts also when it is half read: then it is freed. */
		if (read_one(json_array_get(list, i), &ret->v[ret->n++], err) < 0)
			return err_wrap(err, "operators[%zu]", i);
	}
	return 0;
}

static json_t *
names_json(const struct strv *names)
{
	return names->n > 0 ? field_strings(names) : NULL;
}

json_t *
operators_json(const struct conf_operators *operators)
{
	json_t *list = json_array();

	for (size_t i = 0; i < operators->n; i++) {
		const struct conf_operator *o = &operators->v[i];
		json_t *row = json_pack("{s:s, s:s, s:o?, s:o?}", "name", o->name, "key", o->line, "services",
		    names_json(&o->names), "ops", names_json(&o->ops));

		if (row == NULL || json_array_append_new(list, row) != 0)
			abort();
	}
	return list;
}

void
operators_done(struct conf_operators *operators)
{
	for (size_t i = 0; i < operators->n; i++) {
		struct conf_operator *o = &operators->v[i];

		free(o->name);
		free(o->line);
		authkey_done(&o->key);
		strv_done(&o->names);
		strv_done(&o->ops);
	}
	free(operators->v);
	*operators = (struct conf_operators){NULL, 0};
}

bool
operator_has(const struct conf_operator *o, const char *service)
{
	return o->names.n == 0 || strv_has(&o->names, service);
}
