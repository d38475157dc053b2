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
};

/* What 20.10 to 28 all speak. An engine that no longer (or not yet) does says so with a 400, and is then asked without
 * a version. */
#define API_VERSION "/v1.41"

struct api_call {
	const char *method; /* all are GET: nothing here changes anything */
	const char *path;   /* %s: the argument */
	const char *query;  /* likewise; NULL: none. Written plainly, sent percent-encoded */
	bool (*arg_ok)(
	    const char *arg); /* an argument that is not exactly this never reaches the engine; NULL: there is none */
	bool (*answer_ok)(const json_t *body,
	    const char *arg); /* false: it is about another thing, so ours is missing; NULL: always */
	size_t limit_bytes;   /* of the answer; of one entry where it comes in pieces (lists, events) */
	int deadline_ms;      /* from asking to the whole answer; 0: none */
	bool missing_ok;      /* 404 is an answer, not an error */
	const char *help;
};

const struct api_call *api_call(enum api call);
size_t api_count(void);
/* Adds the text of a request. arg has passed arg_ok. */
void api_request(struct buf *b, const struct api_call *call, bool versioned, const char *arg);
/* Does the body of a 400 say that the engine does not speak our version? */
bool api_version_refused(const char *body);

#endif
