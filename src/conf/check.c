#include "conf/check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/problems.h"
#include "conf/service.h"
#include "conf/toml.h"
#include "conf/tree.h"

/* One check of one file. */
struct check {
	struct problems problems;
	json_t *services;	/* of the document, as long as nothing is wrong */
	json_t *names;		/* name → line, over all services */
	json_t *accounts;	/* of all services, for a document with errors */
	const json_t *position; /* entry of the top-level key `services`; NULL: not seen */
};

/* Top-level tables that other versions know: told apart from mistakes, and refused as well. */
static const char *const later[] = {"proxy", "operators"};

static json_t *
must(json_t *value)
{
	if (value == NULL)
		abort();
	return value;
}

/* Frees the check; what is left is the document. */
static json_t *
finish(struct check *c)
{
	json_t *errors = problems_json(&c->problems);

	if (c->problems.n > 0)
		json_array_clear(c->services);
	problems_done(&c->problems);
	json_decref(c->names);
	if (json_array_size(errors) == 0) {
		json_decref(c->accounts);
		return must(json_pack("{s:i, s:o, s:o}", "version", 1, "errors", errors, "services", c->services));
	}
	return must(json_pack(
	    "{s:i, s:o, s:o, s:o}", "version", 1, "errors", errors, "services", c->services, "accounts", c->accounts));
}

static void
add_account(struct check *c, const struct service *s)
{
	json_t *account = service_account(s);

	if (account != NULL && json_array_append_new(c->accounts, account) != 0)
		abort();
}

static void
check_services(struct check *c, const json_t *list)
{
	size_t i;
	json_t *node;

	json_array_foreach(list, i, node)
	{
		struct service s = {.problems = &c->problems, .names = c->names, .node = node};

		if (i == CHECK_SERVICES_MAX) {
			problems_add(&c->problems, tree_number(node, "line"), tree_number(node, "column"),
			    "services[%zu]: more than %d services", i, CHECK_SERVICES_MAX);
			return;
		}
		if (!tree_is(node, "table")) {
			problems_add(&c->problems, tree_number(node, "line"), tree_number(node, "column"),
			    "services[%zu] must be a table, not %s: write [[services]] and the keys beneath it", i,
			    tree_type_text(node));
			continue;
		}
		service_check(&s, i);
		add_account(c, &s);
		if (c->problems.n == 0 && json_array_append_new(c->services, service_document(&s)) != 0)
			abort();
	}
}

static void
check_services_key(struct check *c, const json_t *entry)
{
	const json_t *node = json_object_get(entry, "node");

	if (c->position != NULL) {
		problems_add(&c->problems, tree_number(entry, "line"), tree_number(entry, "column"),
		    "\"services\" is there twice, on line %d and on line %d (upper and lower case are one key): write "
		    "[[services]] everywhere",
		    tree_number(c->position, "line"), tree_number(entry, "line"));
		return;
	}
	c->position = entry;
	if (!tree_is(node, "array"))
		problems_add(&c->problems, tree_number(node, "line"), tree_number(node, "column"),
		    "\"services\" must be a list of tables, not %s: write [[services]], in double brackets",
		    tree_type_text(node));
	else
		check_services(c, json_object_get(node, "value"));
}

/* proxy, operators: known to be tables, not supported. True when the entry was one of them. */
static bool
check_later(struct check *c, const json_t *entry, const char *name)
{
	const json_t *node = json_object_get(entry, "node");

	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		if (strcasecmp(name, later[i]) != 0)
			continue;
		if (!tree_is(node, "table"))
			problems_add(&c->problems, tree_number(node, "line"), tree_number(node, "column"),
			    "\"%s\" must be a table, not %s: write [%s]", later[i], tree_type_text(node), later[i]);
		problems_add(&c->problems, tree_number(entry, "line"), tree_number(entry, "column"),
		    "\"%s\" is not yet supported by this version of pgo: remove it", later[i]);
		return true;
	}
	return false;
}

static void
check_top(struct check *c, const json_t *entry)
{
	struct buf b = BUF_INIT(512);
	const json_t *key = json_object_get(entry, "key");
	const char *name = json_string_value(key);

	if (strlen(name) == json_string_length(key) && strcasecmp(name, "services") == 0)
		check_services_key(c, entry);
	else if (strlen(name) != json_string_length(key) || !check_later(c, entry, name))
		problems_add(&c->problems, tree_number(entry, "line"), tree_number(entry, "column"),
		    key_find(name) >= 0 ? "key \"%s\" stands outside of a service: write it beneath [[services]]"
					: "\"%s\" is not known: at the top of the file there is only [[services]]",
		    tree_shown(&b, key));
	buf_done(&b);
}

static struct check
begin(void)
{
	return (struct check){
	    .services = must(json_array()), .accounts = must(json_array()), .names = must(json_object())};
}

json_t *
check_text(const char *text, size_t len)
{
	struct check c = begin();
	struct toml_problem problem;
	json_t *tree = toml_tree(text, len, &problem);
	size_t i;
	json_t *entry;

	if (tree == NULL) {
		struct buf b = BUF_INIT(PROBLEM_SENTENCE_MAX);

		/* The parser quotes characters of the file. */
		buf_vis(&b, problem.sentence, strlen(problem.sentence), false);
		problems_add(&c.problems, problem.line, problem.column, "%s", buf_str(&b));
		buf_done(&b);
		return finish(&c);
	}
	json_array_foreach(json_object_get(tree, "value"), i, entry)
	{
		check_top(&c, entry);
	}
	json_decref(tree);
	return finish(&c);
}

json_t *
check_too_large(void)
{
	struct check c = begin();

	problems_add(&c.problems, 1, 1, "more than 1 MiB: pgo.toml cannot be that large");
	return finish(&c);
}
