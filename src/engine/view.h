/* What runs: the containers of compose projects, as the engine last told. Pure: JSON in, containers out. */
#ifndef PGO_ENGINE_VIEW_H
#define PGO_ENGINE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CONTAINER_ID_LEN = 64, VIEW_MAX = 16384 };

enum container_state {
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_RESTARTING,
	CONTAINER_REMOVING,
	CONTAINER_EXITED,
	CONTAINER_DEAD,
	CONTAINER_UNKNOWN, /* a word that this version does not know */
};

enum container_health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

/* One allocation; the strings are never NULL ("" when the engine says nothing) and, but for project, hostile: the
 * account chose them. */
struct container {
	char id[CONTAINER_ID_LEN + 1]; /* lower-case hex */
	const char *name;	       /* without the leading slash */
	const char *project;	       /* a valid service name, always */
	const char *service;	       /* the compose service */
	const char *image;	       /* as the engine says it: a name, or sha256:... */
	const char *image_id;	       /* sha256:... */
	const char *config_hash;       /* label com.docker.compose.config-hash */
	int number;		       /* label com.docker.compose.container-number, 0 without */
	enum container_state state;
	enum container_health health;
	int exit_code;	 /* valid when exited or dead; -1 while not known */
	bool oneoff;	 /* made by `compose run` */
	int64_t created; /* seconds since the epoch */
	uint64_t seen;	 /* of the view: its round that last saw it */
};

/* "running", "unhealthy", ...: for logs and answers. HEALTH_NONE is "". */
const char *container_state_text(enum container_state state);
const char *container_health_text(enum container_health health);

struct view;

struct view *view_new(void (*changed)(void *ctx, const char *project), void *ctx);
void view_free(struct view *v);
/* The answer of GET /containers/json takes the place of the whole view. An entry that makes no sense is left out;
 * -EPROTO when it is not a list at all. Calls `changed` for each project in which anything differs, after the view is
 * complete. */
int view_list(struct view *v, const json_t *list, struct err *err);
/* The answer of GET /containers/ID/json takes the place of that container, or adds it. */
int view_inspect(struct view *v, const json_t *inspect, struct err *err);
/* The container is gone. */
void view_remove(struct view *v, const char *id);
/* Calls cb for each container of a project (of all with NULL) until it returns false; ordered by service, number, name.
 */
void view_each(const struct view *v, const char *project, bool (*cb)(void *ctx, const struct container *c), void *ctx);
const struct container *view_find(const struct view *v, const char *id);
size_t view_count(const struct view *v);

/* 64 lower-case hex digits: the only form of an id that is put into a path. */
bool container_id_ok(const char *id);
/* The parts of a list's Status text: "Exited (137) 2 hours ago" → 137 (-1 when it does not say), "Up 5 minutes
 * (healthy)". */
int container_status_exit(const char *status);
enum container_health container_status_health(const char *status);

#endif
