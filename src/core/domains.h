/* Who has which host name on the web: the sites of `urls` in pgo.toml and the names of apps in one table. What the
 * configuration says comes first; of two apps the one that had the name before. Pure. */
#ifndef PGO_CORE_DOMAINS_H
#define PGO_CORE_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct domain {
	char *host;
	const char *service; /* borrowed */
	bool configured;     /* by `urls` */
	size_t number;	     /* in which order they were added */
};

struct domains {
	struct domain *v;
	size_t n;
	size_t room;
	char *zone; /* apps are called NAME.zone; NULL: nothing is pushed to this host */
};
#define auto_domains __attribute__((cleanup(domains_done)))
void domains_done(struct domains *t);

/* The hosts of "example.org web:8080" and the like, which the configuration's check has passed. */
void domains_add_urls(struct domains *t, const char *service, const struct strv *urls);
void domains_add(struct domains *t, const char *service, const char *host);
/* NAME.zone; NULL where that is no host name ("a..b"), or without zone. The caller frees. */
char *domains_own(const char *zone, const char *app);
/* May the app have this name, which hostname_check has passed? -EEXIST: it is another's, with a sentence that begins
 * with the name and says whose. */
int domains_judge(const struct domains *t, const char *app, const char *name, struct err *err);
/* Sorts by host, and leaves of each host one: whose it is. */
void domains_settle(struct domains *t);

#endif
