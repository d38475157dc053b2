/* Where the commits of a service come from: a repository that is asked, or pushes. */
#include <errno.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/service.h"
#include "conf/tree.h"
#include "ipc/appname.h"

bool
service_is_hosted(const struct service *s)
{
	return json_is_true(json_object_get(table_node(&s->table, KEY_HOSTED), "value"));
}

static void
check_hosted(const struct service *s)
{
	static const enum key_id of_remotes[] = {KEY_BRANCH, KEY_SIGNERS, KEY_REWIND};
	const char *name = table_string(&s->table, KEY_NAME, NULL);
	struct err err = ERR_INIT;

	if (s->table.entries[KEY_REPOSITORY] != NULL)
		table_problem(&s->table, KEY_HOSTED,
		    "stands beside \"repository\": what is pushed here comes from nowhere else, "
		    "remove one of them");
	for (size_t i = 0; i < ARRAY_LEN(of_remotes); i++) {
		if (s->table.entries[of_remotes[i]] != NULL)
			table_problem(&s->table, of_remotes[i],
			    "is for a repository that pgod asks, not for what is pushed: remove it");
	}
	/* It stands in the URL that people push to, and in the name of its site. */
	if (name != NULL && str_is_service_name(name) && appname_check(name, &err) < 0) {
		auto_free char *sentence = str_printf("of a hosted service %s", err.msg);

		table_problem(&s->table, KEY_NAME, sentence);
	}
}

void
service_check_source(struct service *s)
{
	const json_t *node = s->table.node;

	if (service_is_hosted(s))
		check_hosted(s);
	else if (s->table.entries[KEY_REPOSITORY] == NULL)
		problems_add(s->table.problems, tree_number(node, "line"), tree_number(node, "column"),
		    "%s: key \"repository\" is missing: write %s", s->table.title,
		    service_menu.keys[KEY_REPOSITORY].example);
}
