/* What the parts of pgod-core share: one event loop, one channel to pgod, the services. */
#ifndef PGO_CORE_CORE_H
#define PGO_CORE_CORE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "conf/conf.h"
#include "core/metrics.h"
#include "core/pushkey.h"
#include "core/store.h"
#include "ipc/channel.h"

struct engine;
struct service;
struct job;
struct pin_req;
struct client;
struct web;
struct domains;
struct networks;
struct proxy;
struct app_wish;
struct lead_wait;

TAILQ_HEAD(service_list, service);
TAILQ_HEAD(job_list, job);
TAILQ_HEAD(pin_list, pin_req);
TAILQ_HEAD(client_list, client);
TAILQ_HEAD(app_wish_list, app_wish);
TAILQ_HEAD(lead_list, lead_wait);

enum {
	CORE_PROTOCOL = 1,
	CORE_TASKS_MAX = 4,	/* services worked on at a time: git and compose are heavy, two cores are ordinary */
	CORE_CLIENTS_MAX = 512, /* channels to pgod-ssh; pgod's own limit is lower */
};

struct core {
	struct event_base *base;
	struct channel *pgod;
	struct conf *conf; /* NULL until pgod's first message */
	struct store *store;
	char key[STORE_KEY]; /* of this host */
	struct engine *engine;
	bool engine_up;		 /* the view of the containers is valid */
	char engine_reason[256]; /* why not */
	struct service_list services;
	bool loaded; /* all of them are there: what one has taken, the others know */
	struct job_list jobs;
	size_t njobs;
	struct pin_list pins; /* what pgod was asked for */
	struct client_list clients;
	struct app_wish_list wishes; /* apps that pgod was asked for */
	struct proxy *proxy;	     /* on the host; NULL when none is configured */
	struct networks *networks;   /* what deploys have asked about them; NULL: nothing yet */
	struct lead_list leads;	     /* who waits for the proxies (lead.h) */
	struct domains *sites;	     /* of pgo.toml; NULL: not looked at yet */
	size_t nclients;
	struct pushkeys uploaded; /* uploaded.h */
	struct web *web;	  /* who asks for metrics; NULL: nobody */
	struct metrics_core metrics;
	struct strv removing; /* services no longer configured that are being taken down */
	size_t busy;	      /* services at work, at most CORE_TASKS_MAX */
	int64_t last_job_id;
	int64_t last_hold_id; /* of questions to pgod: hold, deploy-key */
	int64_t last_app_id;
	int64_t last_pin_id;
	size_t unsettled; /* pins that were asked for at the start and have no answer */
	bool settled;
	struct event *settle_timer;
	char boot[64]; /* tells one start of the machine from the next; "": unknown */
	bool quitting;
};

/* The service of this name, as pgod and the engine know it; NULL when it is not configured. */
struct service *core_service(struct core *core, const char *name);
/* The one that people call so: an app may have another name than its service (svc->name). */
struct service *core_named(struct core *core, const char *name);
/* Starts what waits for a free place among CORE_TASKS_MAX, oldest service first. */
void core_kick(struct core *core);
/* Ends the loop once quitting and nothing runs any more. */
void core_maybe_exit(struct core *core);

#endif
