#include "conf/sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/site.h"
#include "conf/tree.h"

static void
claim(struct service *s, const char *key, int line)
{
	json_t *owner = json_pack("{s:s, s:O, s:i}", "title", s->table.title, "service", s->table.node, "line", line);

	if (owner == NULL || json_object_set_new(s->sites, key, owner) != 0)
		abort();
}

static void
claim_site(struct service *s, const json_t *entry, size_t i, const struct site *site)
{
	const char *text = json_string_value(json_object_get(entry, "key"));
	int line = tree_number(entry, "line");
	auto_free char *wide = site_key(site, false);
	auto_free char *key = site_key(site, true);
	auto_free char *exact = str_printf("= %s", key); /* no site of its own: https is called like both */
	const json_t *owner = json_object_get(s->sites, wide);
	bool own = owner != NULL && json_object_get(owner, "service") == s->table.node;

	/* http:// and https:// of one name may lead one service to two ports. */
	if (own)
		owner = json_object_get(s->sites, exact);
	if (owner == NULL) {
		claim(s, wide, line);
		claim(s, exact, line);
		return;
	}
	problems_add(s->table.problems, line, tree_number(entry, "column"),
	    "%s: key \"urls[%zu]\": the site \"%s\" is that of %s on line %d: remove one", s->table.title, i, text,
	    own ? "the same service" : json_string_value(json_object_get(owner, "title")), tree_number(owner, "line"));
}

void
sites_claim(struct service *s)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(table_node(&s->table, KEY_URLS), "value"), i, entry)
	{
		const json_t *name = json_object_get(entry, "key");
		struct site site;

		if (name != NULL && strlen(json_string_value(name)) == json_string_length(name) &&
		    site_parse(json_string_value(name), &site, NULL) == 0)
			claim_site(s, entry, i, &site);
	}
}
