/* The arguments of operations, held against the table of their options: what widens an exec, or deletes a volume, is
 * not passed on. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "core/op.h"

/* Is the word one of the space-separated names? */
static bool
named(const char *names, const char *word, size_t len)
{
	while (*names != '\0') {
		size_t n = strcspn(names, " ");

		if (n == len && memcmp(names, word, n) == 0)
			return true;
		names += n + strspn(names + n, " ");
	}
	return false;
}

static const struct op_option *
find_option(const struct op *op, const char *word, size_t len)
{
	for (const struct op_option *o = op->options; o != NULL && o->names != NULL; o++) {
		if (named(o->names, word, len))
			return o;
	}
	return NULL;
}

static int
known(const struct op *op, const struct op_option *o, const char *word, size_t len, struct err *err)
{
	if (o == NULL)
		return err_set(err, EINVAL, "%s: option %.*s is not supported here", op->name, (int)len, word);
	if (o->refuse != NULL)
		return err_set(err, EINVAL, "%s: option %.*s is refused: %s", op->name, (int)len, word, o->refuse);
	return 0;
}

/* "--name", "--name=value" or "--name value". Returns how many words were used. */
static int
long_option(const struct op *op, const struct strv *args, size_t i, struct strv *ret, struct err *err)
{
	const char *word = args->v[i];
	size_t len = strcspn(word, "=");
	const struct op_option *o = find_option(op, word, len);
	int rc = known(op, o, word, len, err);

	if (rc < 0)
		return rc;
	if (o->value && word[len] == '\0') {
		if (i + 1 == args->n)
			return err_set(err, EINVAL, "%s: option %s needs a value", op->name, word);
		strv_add_take(ret, str_printf("%s=%s", word, args->v[i + 1]));
		return 2;
	}
	if (!o->value && word[len] != '\0' && !str_eq(word + len, "=true"))
		return err_set(err, EINVAL, "%s: option %.*s takes no value", op->name, (int)len, word);
	if (o->value)
		strv_add(ret, word);
	else
		strv_add_take(ret, str_printf("%.*s", (int)len, word));
	return 1;
}

/* The long one of an option's names: what has a value always has one. */
static const char *
long_name(const struct op_option *o)
{
	return strstr(o->names, "--");
}

/* "-f", "-ft", "-n5", "-n 5". Returns how many words were used. */
static int
short_options(const struct op *op, const struct strv *args, size_t i, struct strv *ret, struct err *err)
{
	const char *word = args->v[i];

	for (const char *p = word + 1; *p != '\0'; p++) {
		const char name[3] = {'-', *p, '\0'};
		const struct op_option *o = find_option(op, name, 2);
		int rc = known(op, o, name, 2, err);

		if (rc < 0)
			return rc;
		if (!o->value) {
			strv_add(ret, name);
			continue;
		}
		if (p[1] == '\0' && i + 1 == args->n)
			return err_set(err, EINVAL, "%s: option %s needs a value", op->name, name);
		strv_add_take(ret, str_printf("%s=%s", long_name(o),
				       p[1] == '\0'  ? args->v[i + 1]
				       : p[1] == '=' ? p + 2
						     : p + 1));
		return p[1] == '\0' ? 2 : 1;
	}
	return 1;
}

/* What compose takes as the name of a service. */
static bool
is_compose_service(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return s[0] != '\0' && s[0] != '-' && s[strspn(s, ok)] == '\0' && strlen(s) < 256;
}

/* One that begins with a dash could be taken for an option by whoever gets them all. */
static int
check_word(const struct op *op, const char *s, struct err *err)
{
	if (s[0] == '\0' || s[0] == '-')
		return err_set(err, EINVAL, "%s: \"%s\" is no name: %s %s", op->name, s, op->name, op->usage);
	return 0;
}

static int
operands(const struct op *op, const struct strv *args, size_t i, struct strv *ret, struct err *err)
{
	int n = 0;

	if (op->bare && i == args->n)
		return err_set(err, EINVAL, "%s: which command? %s %s", op->name, op->name, op->usage);
	for (; op->bare && i < args->n; i++)
		strv_add(ret, args->v[i]);
	if (op->command && i == args->n)
		return err_set(
		    err, EINVAL, "%s: which compose service, and which command? %s %s", op->name, op->name, op->usage);
	if (op->command && i + 1 == args->n)
		return err_set(err, EINVAL, "%s: which command? %s %s", op->name, op->name, op->usage);
	for (; i < args->n; i++) {
		if (op->words && check_word(op, args->v[i], err) < 0)
			return -EINVAL;
		if (!op->words && (n == 0 || !op->command) && !is_compose_service(args->v[i]))
			return err_set(
			    err, EINVAL, "%s: \"%s\" is not the name of a compose service", op->name, args->v[i]);
		if (op->operands_max >= 0 && ++n > op->operands_max && !op->command)
			return err_set(err, EINVAL, "%s: too many arguments: %s %s", op->name, op->name, op->usage);
		if (op->operands_max < 0)
			n++;
		strv_add(ret, args->v[i]);
	}
	return 0;
}

int
op_args(const struct op *op, const struct strv *args, struct strv *ret, struct err *err)
{
	size_t i = 0;
	auto_strv struct strv options = {NULL, 0};
	auto_strv struct strv rest = {NULL, 0};
	int rc;

	while (i < args->n) {
		const char *word = args->v[i];

		if (str_eq(word, "--")) {
			i++;
			break;
		}
		if (word[0] != '-' || word[1] == '\0') {
			if (op->command || op->bare)
				break; /* what follows belongs to the command */
			strv_add(&rest, word);
			i++;
			continue;
		}
		rc = str_starts(word, "--") ? long_option(op, args, i, &options, err)
					    : short_options(op, args, i, &options, err);
		if (rc < 0)
			return rc;
		i += (size_t)rc;
	}
	for (; i < args->n; i++)
		strv_add(&rest, args->v[i]);
	for (i = 0; i < options.n; i++)
		strv_add(ret, options.v[i]);
	return operands(op, &rest, 0, ret, err);
}
