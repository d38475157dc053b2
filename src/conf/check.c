#include "conf/check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/operator.h"
#include "conf/problems.h"
#include "conf/proxy_table.h"
#include "conf/push_table.h"
#include "conf/service.h"
#include "conf/shown.h"
#include "conf/toml.h"
#include "conf/tree.h"

enum top_form {
	TOP_TABLE, /* [name] */
	TOP_LIST,  /* [[name]] */
};

enum top_id { TOP_SERVICES, TOP_PROXY, TOP_PUSH, TOP_OPERATORS, TOPS };

/* One check of one file. */
struct check {
	struct problems problems;
	json_t *services;	    /* of the document, as long as nothing is wrong */
	json_t *names;		    /* name → line, over all services */
	json_t *sites;		    /* site → the service that has it, likewise */
	json_t *accounts;	    /* of all services, for a document with errors */
	json_t *operators;	    /* of the document, likewise */
	json_t *shown;		    /* name of a top-level table → what people may see of each, likewise */
	struct operator_check *who; /* the operators, judged to their end when all services have been seen */
	size_t nwho;
	json_t *who_seen;	     /* what they may not share */
	struct table proxy;	     /* its node is NULL without one */
	struct table push;	     /* likewise */
	const json_t *hosted;	     /* the first key `hosted` of a service; NULL: none is */
	const json_t *entries[TOPS]; /* of the top-level keys; NULL: not seen */
};

/* A table that may stand at the top of the file. */
struct top {
	const char *name;
	enum top_form form;
	size_t max; /* of a list */
	/* Judges one table, of a list the one at this index, and keeps what the document says of it. */
	void (*check)(struct check *c, const json_t *node, size_t index);
};

/* Frees the check; what is left is the document. */
static json_t *
finish(struct check *c)
{
	json_t *errors = problems_json(&c->problems);

	if (c->problems.n > 0)
		json_array_clear(c->services);
	problems_done(&c->problems);
	json_decref(c->names);
	json_decref(c->sites);
	json_decref(c->who_seen);
	free(c->who);
	if (json_array_size(errors) == 0) {
		json_decref(c->accounts);
		return tree_must(json_pack("{s:i, s:o, s:o, s:o, s:o, s:o*, s:o*}", "version", 1, "errors", errors,
		    "services", c->services, "operators", c->operators, "shown", c->shown, "proxy",
		    c->proxy.node == NULL ? NULL : proxy_table_document(&c->proxy), "push",
		    c->push.node == NULL ? NULL : push_table_document(&c->push)));
	}
	json_decref(c->operators);
	json_decref(c->shown);
	return tree_must(json_pack(
	    "{s:i, s:o, s:o, s:o}", "version", 1, "errors", errors, "services", c->services, "accounts", c->accounts));
}

/* Keeps what people may see of a table that nothing is wrong with. */
static void
show(struct check *c, const char *top, const struct table *t)
{
	json_t *list = json_object_get(c->shown, top);

	if (c->problems.n > 0)
		return;
	if (list == NULL) {
		list = tree_must(json_array());
		if (json_object_set_new(c->shown, top, list) != 0)
			abort();
	}
	if (json_array_append_new(list, shown_table(t)) != 0)
		abort();
}

static void
add_account(struct check *c, const struct service *s)
{
	json_t *account = service_account(s);

	if (account != NULL && json_array_append_new(c->accounts, account) != 0)
		abort();
}

static void
check_service(struct check *c, const json_t *node, size_t index)
{
	struct service s = {.table = {.problems = &c->problems, .node = node}, .names = c->names, .sites = c->sites};

	service_check(&s, index);
	if (c->hosted == NULL && service_is_hosted(&s))
		c->hosted = s.table.entries[KEY_HOSTED];
	add_account(c, &s);
	show(c, "services", &s.table);
	if (c->problems.n == 0 && json_array_append_new(c->services, service_document(&s)) != 0)
		abort();
}

static void
check_operator(struct check *c, const json_t *node, size_t index)
{
	struct operator_check *grown = reallocarray(c->who, c->nwho + 1, sizeof(*grown));

	if (grown == NULL)
		abort();
	c->who = grown;
	grown[c->nwho] =
	    (struct operator_check){.table = {.problems = &c->problems, .node = node}, .seen = c->who_seen};
	operator_check(&grown[c->nwho], index);
	show(c, "operators", &grown[c->nwho++].table);
}

/* All services have been seen. */
static void
end_operators(struct check *c)
{
	for (size_t i = 0; i < c->nwho; i++)
		operator_check_services(&c->who[i], c->names, c->push.node != NULL);
	for (size_t i = 0; i < c->nwho && c->problems.n == 0; i++) {
		if (json_array_append_new(c->operators, operator_document(&c->who[i])) != 0)
			abort();
	}
}

static void
check_proxy(struct check *c, const json_t *node, size_t index)
{
	(void)index;
	c->proxy = (struct table){.problems = &c->problems, .node = node};
	proxy_table_check(&c->proxy);
	show(c, "proxy", &c->proxy);
}

static void
check_push(struct check *c, const json_t *node, size_t index)
{
	(void)index;
	c->push = (struct table){.problems = &c->problems, .node = node};
	push_table_check(&c->push);
	show(c, "push", &c->push);
}

static const struct top tops[TOPS] = {
    [TOP_SERVICES] = {"services", TOP_LIST, CHECK_SERVICES_MAX, check_service},
    [TOP_PROXY] = {"proxy", TOP_TABLE, 1, check_proxy},
    [TOP_PUSH] = {"push", TOP_TABLE, 1, check_push},
    [TOP_OPERATORS] = {"operators", TOP_LIST, CHECK_OPERATORS_MAX, check_operator},
};

static void
top_problem(struct check *c, const json_t *at, const char *sentence)
{
	problems_add(&c->problems, tree_number(at, "line"), tree_number(at, "column"), "%s", sentence);
}

static void
check_list(struct check *c, const struct top *top, const json_t *list)
{
	size_t i;
	json_t *node;

	json_array_foreach(list, i, node)
	{
		auto_free char *too_many = str_printf("%s[%zu]: more than %zu %s", top->name, i, top->max, top->name);
		auto_free char *no_table =
		    str_printf("%s[%zu] must be a table, not %s: write [[%s]] and the keys beneath it", top->name, i,
			tree_type_text(node), top->name);

		if (i == top->max) {
			top_problem(c, node, too_many);
			return;
		}
		if (!tree_is(node, "table"))
			top_problem(c, node, no_table);
		else
			top->check(c, node, i);
	}
}

/* The value of a top-level key: a table, or a list of tables. */
static void
check_form(struct check *c, const struct top *top, const json_t *node)
{
	bool list = top->form == TOP_LIST;
	auto_free char *wrong = str_printf("\"%s\" must be %s, not %s: write %s%s%s", top->name,
	    list ? "a list of tables" : "a table", tree_type_text(node), list ? "[[" : "[", top->name,
	    list ? "]], in double brackets" : "], in single brackets");

	if (!tree_is(node, list ? "array" : "table"))
		top_problem(c, node, wrong);
	else if (list)
		check_list(c, top, json_object_get(node, "value"));
	else
		top->check(c, node, 0);
}

static void
check_known(struct check *c, enum top_id id, const json_t *entry)
{
	const struct top *top = &tops[id];
	const json_t *before = c->entries[id];

	if (before != NULL) {
		problems_add(&c->problems, tree_number(entry, "line"), tree_number(entry, "column"),
		    "\"%s\" is there twice, on line %d and on line %d (upper and lower case are one key): write "
		    "%s%s%s everywhere",
		    top->name, tree_number(before, "line"), tree_number(entry, "line"),
		    top->form == TOP_LIST ? "[[" : "[", top->name, top->form == TOP_LIST ? "]]" : "]");
		return;
	}
	c->entries[id] = entry;
	check_form(c, top, json_object_get(entry, "node"));
}

/* [[services]], [proxy] and [[operators]]: what is supported. */
static const char *
tops_text(struct buf *b)
{
	const char *between = "";

	for (size_t i = 0; i < TOPS; i++) {
		buf_printf(b, tops[i].form == TOP_LIST ? "%s[[%s]]" : "%s[%s]", between, tops[i].name);
		between = ", ";
	}
	return buf_str(b);
}

static const char *
near_top(const char *name)
{
	const char *best = NULL;
	size_t distance = NEAR_NONE;

	for (size_t i = 0; i < TOPS; i++) {
		if (name_is_near(name, tops[i].name, &distance))
			best = tops[i].name;
	}
	return best;
}

static void
unknown_top(struct check *c, const json_t *entry)
{
	auto_buf struct buf b = BUF_INIT(512);
	auto_buf struct buf list = BUF_INIT(512);
	const char *name = json_string_value(json_object_get(entry, "key"));
	const char *shown = tree_shown(&b, json_object_get(entry, "key"));
	const char *near = near_top(name);
	auto_free char *outside =
	    str_printf("key \"%s\" stands outside of a service: write it beneath [[services]]", shown);
	auto_free char *unknown =
	    near != NULL
		? str_printf("\"%s\" is not known: did you mean \"%s\"?", shown, near)
		: str_printf("\"%s\" is not known: at the top of the file there is only %s", shown, tops_text(&list));

	top_problem(c, entry, menu_find(&service_menu, name) >= 0 ? outside : unknown);
}

static void
check_top(struct check *c, const json_t *entry)
{
	const json_t *key = json_object_get(entry, "key");
	const char *name = json_string_value(key);

	for (size_t i = 0; i < TOPS && strlen(name) == json_string_length(key); i++) {
		if (strcasecmp(name, tops[i].name) == 0) {
			check_known(c, (enum top_id)i, entry);
			return;
		}
	}
	unknown_top(c, entry);
}

static struct check
begin(void)
{
	return (struct check){.services = tree_must(json_array()),
	    .accounts = tree_must(json_array()),
	    .names = tree_must(json_object()),
	    .sites = tree_must(json_object()),
	    .operators = tree_must(json_array()),
	    .shown = tree_must(json_object()),
	    .who_seen = tree_must(json_object())};
}

json_t *
check_text(const char *text, size_t len)
{
	struct check c = begin();
	struct toml_problem problem;
	json_t *tree = toml_tree(text, len, &problem);
	json_t *doc = NULL;
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
	if (c.hosted != NULL && c.push.node == NULL)
		top_problem(
		    &c, c.hosted, "key \"hosted\" needs the table [push], without which nothing is accepted by push");
	end_operators(&c);
	if (c.proxy.node != NULL && c.problems.n == 0)
		proxy_table_check_sites(&c.proxy, json_object_get(c.entries[TOP_SERVICES], "node"));
	doc = finish(&c);
	json_decref(tree);
	return doc;
}

json_t *
check_too_large(void)
{
	struct check c = begin();

	problems_add(&c.problems, 1, 1, "more than 1 MiB: pgo.toml cannot be that large");
	return finish(&c);
}
