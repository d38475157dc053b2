/* Variables as people keep them in files. Nothing is expanded, and no shell reads any of it:
 *
 *   # a comment
 *   NAME=all of the line, without blanks at its end and what follows " #"
 *   export NAME='as it is, over as many lines as it takes, and '\'' for a quote'
 *   NAME="likewise, with \n \r \t \" \\ \$ \` and nothing else after a backslash"
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "core/vars.h"

static const char *const formats[] = {[VARS_DOTENV] = "dotenv", [VARS_SHELL] = "shell", [VARS_JSON] = "json"};

/* What stands for a character behind a backslash, and the character. */
static const char escapes[] = "n\nr\rt\t\"\"\\\\$$``";

bool
vars_format_of(const char *word, enum vars_format *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (str_eq(word, formats[i])) {
			*ret = (enum vars_format)i;
			return true;
		}
	}
	return false;
}

/* --- out --- */

static void
add_dotenv(const struct var *var, struct buf *ret)
{
	buf_printf(ret, "%s=\"", var->name);
	for (const char *p = var->value; *p != '\0'; p++) {
		const char *e = escapes;

		while (*e != '\0' && e[1] != *p)
			e += 2;
		if (*e != '\0')
			buf_printf(ret, "\\%c", *e);
		else
			buf_add(ret, p, 1);
	}
	buf_str_add(ret, "\"\n");
}

static void
add_shell(const struct var *var, struct buf *ret)
{
	buf_printf(ret, "export %s='", var->name);
	for (const char *p = var->value; *p != '\0'; p++)
		buf_printf(ret, *p == '\'' ? "'\\''" : "%c", *p);
	buf_str_add(ret, "'\n");
}

static void
add_json(const struct vars *vars, struct buf *ret)
{
	json_t *all = json_object();
	char *text;

	for (size_t i = 0; i < vars->n; i++)
		json_object_set_new(all, vars->v[i].name, json_string(vars->v[i].value));
	text = json_dumps(all, JSON_INDENT(2) | JSON_SORT_KEYS);
	json_decref(all);
	if (text == NULL)
		abort();
	buf_printf(ret, "%s\n", text);
	str_wipe(text);
}

void
vars_export(const struct vars *vars, enum vars_format format, struct buf *ret)
{
	if (format == VARS_JSON) {
		add_json(vars, ret);
		return;
	}
	for (size_t i = 0; i < vars->n; i++)
		(format == VARS_SHELL ? add_shell : add_dotenv)(&vars->v[i], ret);
}

/* --- in --- */

/* Where the reader stands. */
struct reader {
	const char *at, *end;
	int line;
	struct buf value;
};

static int
wrong(const struct reader *r, struct err *err, const char *what)
{
	return err_set(err, EINVAL, "line %d: %s", r->line, what);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_blanks(struct reader *r)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
}

static bool
at_end(const struct reader *r)
{
	return r->at == r->end || *r->at == '\n';
}

static void
skip_line(struct reader *r)
{
	while (!at_end(r))
		r->at++;
	r->line++;
	r->at += r->at < r->end;
}

static int
read_escape(struct reader *r, struct err *err)
{
	const char *e = escapes;

	r->at++;
	while (*e != '\0' && (r->at == r->end || *e != *r->at))
		e += 2;
	if (*e == '\0')
		return wrong(r, err,
		    "in double quotes \\n, \\r, \\t, \\\", \\\\, \\$ and \\` may be written, and \\\\ for a "
		    "backslash");
	buf_add(&r->value, e + 1, 1);
	r->at++;
	return 0;
}

/* From the opening quote behind the closing one. */
static int
read_quoted(struct reader *r, struct err *err)
{
	char quote = *r->at++;
	int begun = r->line;

	while (r->at < r->end && *r->at != quote) {
		if (*r->at == '\\' && quote == '"') {
			if (read_escape(r, err) < 0)
				return -EINVAL;
			continue;
		}
		r->line += *r->at == '\n';
		buf_add(&r->value, r->at++, 1);
	}
	if (r->at == r->end) {
		r->line = begun;
		return wrong(r, err, "the quote has no end");
	}
	r->at++;
	return 0;
}

/* Quoted texts one after the other, with \' between them. */
static int
read_quotes(struct reader *r, struct err *err)
{
	while (r->at < r->end && strchr("'\"\\", *r->at) != NULL) {
		if (*r->at != '\\') {
			if (read_quoted(r, err) < 0)
				return -EINVAL;
			continue;
		}
		if (r->at + 1 == r->end || r->at[1] != '\'')
			break;
		buf_add(&r->value, "'", 1);
		r->at += 2;
	}
	skip_blanks(r);
	return at_end(r) || *r->at == '#' ? 0 : wrong(r, err, "there is something behind the closing quote");
}

static void
read_plain(struct reader *r)
{
	const char *begin = r->at, *end;

	while (!at_end(r) && !(*r->at == '#' && (r->at == begin || is_blank(r->at[-1]))))
		r->at++;
	for (end = r->at; end > begin && is_blank(end[-1]);)
		end--;
	buf_add(&r->value, begin, (size_t)(end - begin));
}

/* NAME=: the name, with r behind it. NULL with err. */
static char *
read_name(struct reader *r, struct err *err)
{
	static const char word[] = "export";
	const char *begin;
	auto_free char *name = NULL;
	struct err why = ERR_INIT;

	if ((size_t)(r->end - r->at) > strlen(word) && memcmp(r->at, word, strlen(word)) == 0 &&
	    is_blank(r->at[strlen(word)])) {
		r->at += strlen(word);
		skip_blanks(r);
	}
	begin = r->at;
	while (!at_end(r) && *r->at != '=')
		r->at++;
	if (at_end(r)) {
		wrong(r, err, "there is no \"=\": write NAME=VALUE");
		return NULL;
	}
	name = str_printf("%.*s", (int)(r->at - begin), begin);
	r->at++;
	if (vars_check_name(name, &why) < 0) {
		wrong(r, err, why.msg);
		return NULL;
	}
	return TAKE(name);
}

static int
read_var(struct reader *r, struct vars *ret, struct err *err)
{
	int line = r->line;
	auto_free char *name = read_name(r, err);
	struct err why = ERR_INIT;

	if (name == NULL)
		return -EINVAL;
	skip_blanks(r);
	buf_reset(&r->value);
	if (r->at < r->end && (*r->at == '\'' || *r->at == '"')) {
		if (read_quotes(r, err) < 0)
			return -EINVAL;
	} else {
		read_plain(r);
	}
	if (vars_set(ret, name, buf_str(&r->value), r->value.len, &why) < 0) {
		r->line = line;
		return wrong(r, err, why.msg);
	}
	return 0;
}

static int
read_lines(const char *text, size_t len, struct vars *ret, struct err *err)
{
	struct reader r = {.at = text, .end = text + len, .line = 1, .value = BUF_INIT(len + 1)};
	int rc = 0;

	while (rc >= 0 && r.at < r.end) {
		skip_blanks(&r);
		if (!at_end(&r) && *r.at != '#')
			rc = read_var(&r, ret, err);
		if (rc >= 0)
			skip_line(&r);
	}
	buf_wipe(&r.value);
	return rc;
}

static int
read_json(const char *text, size_t len, struct vars *ret, struct err *err)
{
	json_error_t where;
	json_t *all = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	const char *name;
	json_t *value;
	int rc = 0;

	if (all == NULL)
		return err_set(err, EINVAL, "line %d: this is no JSON object of names and texts", where.line);
	json_object_foreach(all, name, value)
	{
		if (rc < 0)
			break;
		rc = vars_check_name(name, err);
		if (rc >= 0 && !json_is_string(value))
			rc = err_set(err, EINVAL, "%s: the value is no text: write it in quotes", name);
		if (rc >= 0)
			rc = vars_set(ret, name, json_string_value(value), json_string_length(value), err);
	}
	json_decref(all);
	return rc;
}

int
vars_import(const char *text, size_t len, struct vars *ret, struct err *err)
{
	auto_vars struct vars vars = {0};
	size_t blank = 0;
	int rc;

	while (blank < len && (is_blank(text[blank]) || text[blank] == '\n'))
		blank++;
	rc = (blank < len && text[blank] == '{' ? read_json : read_lines)(text, len, &vars, err);
	if (rc < 0)
		return rc;
	*ret = vars;
	vars = (struct vars){0};
	return 0;
}
