/* The routes of the host for a proxy in a container, in the file that the key `import` of its service names: what
 * `urls` say, and the names of apps that have a name on the proxy's network (compose/web.h). The file is written before
 * a container of the service starts; when it changes while the proxy runs, the proxy is told, as `reload` says
 * (import_task.c). What `urls` say does not change while core lives; apps come and go. */
#ifndef PGO_CORE_IMPORT_H
#define PGO_CORE_IMPORT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
	IMPORT_ATTEMPTS_MAX = 6,    /* then somebody has to look */
	IMPORT_RETRY_MIN_MS = 2000, /* between two of them: doubles, a minute in all */
};

struct core;
struct reload;
struct service;
struct task;

struct import {
	char *text;    /* what the file is to hold; NULL: the service imports nothing */
	size_t n;      /* routes in it */
	char *handed;  /* what import_hand_out has said last */
	char *good;    /* what is put back when the proxy refuses text; NULL: nothing is known */
	bool taken;    /* the proxy goes by good */
	bool loaded;   /* and that is text */
	bool seen;     /* the file holds text, as far as is known */
	bool refused;  /* the proxy did not take text in: the file holds what it took in before */
	char *trouble; /* why the file does not hold text, or the proxy has not taken it in; "" */
	int attempts;  /* that failed in a row */
	struct event *timer;
};

/* From the record; what the file is to hold import_refresh says. */
void import_init(struct service *svc);
/* What the files of all services that import are to hold now; one that is to hold something else is written soon. To be
 * called once all services are there, and whenever an app's names or port are others. */
void import_refresh(struct core *core);
/* Is there any service that imports, and can a proxy of it be told of apps? */
bool import_is_used(const struct core *core);
void import_done(struct service *svc);
/* What the file is to hold before a container starts: the routes, or what the proxy took in last when it has refused
 * these. NULL: the service imports nothing. Borrowed, until it is asked again. */
const char *import_hand_out(struct service *svc);
/* The job `routes` has ended well: the file holds what was handed out. answer: what it said. */
void import_written(struct service *svc, const char *answer);
/* What lay there before pgo wrote anything is the best that is known to put back. */
void import_remember(struct service *svc, const char *before);
/* Something may have changed the file. */
void import_look_again(struct service *svc);
/* What was given up may be tried once more: something has been done for the service. */
void import_try_again(struct service *svc);
/* Is there anything to write, or to tell the proxy, now? */
bool import_is_due(const struct service *svc);
/* Reads the service's `reload` against its current release. Errors are those of reload_read. */
int import_reload(const struct service *svc, struct reload *ret, struct err *err);
/* Does a container of this compose service run, and not only start? */
bool import_target_runs(const struct service *svc, const char *compose_service);
/* Does the proxy go by the routes, as far as is known (*ret_is), and how it stands with them, for people; NULL for a
 * service that imports nothing. The caller frees. */
char *import_status(const struct service *svc, bool *ret_is);
enum import_state {
	IMPORT_DONE,	/* it goes by the routes, or nobody can tell it now: it hears of them when it starts */
	IMPORT_WORKING, /* that is about to be done */
	IMPORT_REFUSED, /* it did not take them in: svc->import.trouble */
};
enum import_state import_state(const struct service *svc);
/* The proxy has taken in these routes, n of them; that is recorded. */
void import_loaded(struct service *svc, const char *text, size_t n);
/* It did not work: why, aloud, and when it is tried again; hopeless: not before something else has happened. */
void import_failed(struct service *svc, const char *why, bool hopeless);

/* import_task.c: looks at the file, has the proxy check what it is to hold, writes it, tells the proxy. */
void import_start(struct task *task);

#endif
