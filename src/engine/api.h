/* Every call of the Engine API that pgo makes: the auditor's page. */
#ifndef PGO_ENGINE_API_H
#define PGO_ENGINE_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum api {
	API_EVENTS,
	API_LIST_ALL,
	API_LIST_PROJECT,
	API_INSPECT,
	API_IMAGE,
	API_NETWORK,
	API_TAG,
	API_UNTAG,
	API_PUBLISH,
	API_UNPUBLISH,
	API_START,
	API_STOP,
	API_REMOVE,
	API_RENAME,
	API_CONNECT,
	API_DISCONNECT,
};

/* What 20.10 to 28 all speak. An engine that no longer (or not yet) does says so with a 400, and is then asked without
 * a version. */
#define API_VERSION "/v1.41"

/* What fills a call's template. A member that it does not use is NULL. */
struct api_args {
	const char *arg;       /* %s */
	const char *service;   /* %o: to whom the object belongs; every write has it */
	const char *container; /* %c: the id of a container */
	const char *registry;  /* %r: where the images of apps go, "host/path" */
	const char *version;   /* %v: of an image there */
	const char *body;      /* JSON */
};

/* %t in a template: what an image ID is called among our tags. */
enum { API_TAG_HEX = 32 };

struct api_call {
	const char *method; /* GET, unless it is a write */
	/* Written plainly, sent percent-encoded, with %s, %o, %c, %t, %r, %v replaced. */
	const char *path;
	const char *query; /* NULL: none */
	/* An argument that is not exactly this never reaches the engine; NULL: there is none. */
	bool (*arg_ok)(const char *arg);
	/* false: it is about another thing, so ours is missing; NULL: always. arg: of the call, or the container. */
	bool (*answer_ok)(const json_t *body, const char *arg);
	size_t limit_bytes; /* of the answer; of one entry where it comes in pieces (lists, events) */
	int deadline_ms;    /* from asking to the whole answer; 0: none */
	bool missing_ok;    /* 404 is an answer, not an error */
	/* It changes something. What it changes is ours: its name says whose it is (a tag), or `guarded`. */
	bool write;
	/* The engine is asked for the container first, and nothing is sent unless it belongs to args.service. */
	bool guarded;
	bool published; /* it has a registry and a version */
	bool has_body;
	int also_ok; /* another status that means success: it was so already */
	const char *help;
};

const struct api_call *api_call(enum api call);
size_t api_count(void);
/* Is everything there that the call takes, and each as it must be? */
bool api_args_ok(const struct api_call *call, const struct api_args *args);
/* Adds the text of a request. The args have passed api_args_ok. */
void api_request(struct buf *b, const struct api_call *call, bool versioned, const struct api_args *args);
/* Does the answer of API_INSPECT say that the container belongs to the service? A container's labels never change. */
bool api_owns(const json_t *inspect, const char *service);
/* Does the body of a 400 say that the engine does not speak our version? */
bool api_version_refused(const char *body);

#endif
