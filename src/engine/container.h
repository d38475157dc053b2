/* A container of a compose project, as the engine tells of it. Pure: JSON in, a struct out. */
#ifndef PGO_ENGINE_CONTAINER_H
#define PGO_ENGINE_CONTAINER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CONTAINER_ID_LEN = 64,
	CONTAINER_NETWORK_MAX = 128, /* bytes of a network's name; one with a longer name is left out */
	CONTAINER_NETWORK_ID = 12,   /* hex digits of a network's id that tell it from another of its name */
	CONTAINER_ADDRESS_MAX = 46,
};

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
	const char *image;	       /* as the engine says it: the name it was made from, or sha256:... */
	const char *image_id;	       /* sha256:... */
	const char *config_hash;       /* label com.docker.compose.config-hash */
	const json_t *networks;	       /* as the engine tells of them; borrowed, NULL in a copy, which has: */
	const char *addresses;	       /* a line each, by container_address */
	int number;		       /* label com.docker.compose.container-number, 0 without */
	enum container_state state;
	enum container_health health; /* HEALTH_NONE unless running */
	int exit_code;		      /* when exited, dead or restarting; -1 while not known */
	bool oom;    /* it, or something in it, was ended for want of memory since it was made; only `inspect` tells */
	bool oneoff; /* made by `compose run` */
	bool publishes;	 /* it holds ports of the host; only the list tells */
	int64_t created; /* seconds since the epoch */
	unsigned
	    deaths; /* times that it was seen to die: grows in a crash loop that is too fast to be seen as a state */
	unsigned restarts; /* times that the engine started it again after a death; 0 as long as it was not asked */
	bool told_to_end;  /* since it was started; so was one that the engine takes along when it stops */
	bool ended_alone;  /* it was seen to die without that */
	uint64_t seen;	   /* of the view: its round that last saw it */
};

/* "running", "unhealthy", ...: for logs and answers. HEALTH_NONE is "". */
const char *container_state_text(enum container_state state);
const char *container_health_text(enum container_health health);
/* CONTAINER_UNKNOWN for a word that is none. */
enum container_state container_state_of(const char *text);

/* "WHAT 137", "WHAT 137 (out of memory)": how a container ended; without a number where none is known. The caller
 * frees. */
char *container_exit_text(const char *what, const struct container *c);

/* Reads an entry of GET /containers/json, or the answer of GET /containers/ID/json. The texts are borrowed from the
 * JSON. False for what makes no sense or is no container of a service (its project is not a valid service name). */
bool container_from_list(struct container *c, const json_t *entry);
bool container_from_inspect(struct container *c, const json_t *answer);
/* A container's place in a network. */
struct container_address {
	char network[CONTAINER_NETWORK_MAX + 1]; /* its name: letters, digits and "_.-" */
	char id[CONTAINER_NETWORK_ID + 1];	 /* the beginning of its id */
	char ip[CONTAINER_ADDRESS_MAX];		 /* numeric; "": it shares the host's addresses, or has none */
};
/* Walks the addresses of a copy, in the engine's order: *at begins as c->addresses. False at the end. */
bool container_address(const char **at, struct container_address *ret);
/* A copy that owns its texts (cut at 512 bytes), in one allocation; free() it. */
struct container *container_copy(const struct container *c);

/* 64 lower-case hex digits: the only form of an id that is put into a path. */
bool container_id_ok(const char *id);
/* Of a list's Names, the container's own, without its slash (one that others link to has names like "/other/alias" as
 * well). */
const char *container_list_name(const json_t *names);
/* The parts of a list's Status text: "Exited (137) 2 hours ago" → 137 (-1 when it does not say), "Up 5 minutes
 * (healthy)". */
int container_status_exit(const char *status);
enum container_health container_status_health(const char *status);

#endif
