/* The model: the one JSON document that `docker compose config --format json` makes of a compose file. It is hostile:
 * who can push to the repository writes it. All functions are pure; a model that policy_check() has not seen is only
 * read. */
#ifndef PGO_COMPOSE_MODEL_H
#define PGO_COMPOSE_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum {
	MODEL_MAX = 4 * 1024 * 1024, /* bytes of JSON */
	MODEL_DEPTH_MAX = 64,
	MODEL_SERVICES_MAX = 256,
};

static inline void
model_decref_(json_t **j)
{
	json_decref(*j);
}

/* Drops a reference when the local leaves its scope: auto_json json_t *model = NULL; */
#define auto_json __attribute__((cleanup(model_decref_)))

/* Parses what compose printed: an object with an object "services", all of whose values are objects; no duplicate keys,
 * at most MODEL_MAX bytes, MODEL_DEPTH_MAX levels and MODEL_SERVICES_MAX services. The caller decrefs. NULL with err on
 * anything else. */
json_t *model_parse(const char *text, size_t len, struct err *err);

/* The canonical text (sorted keys, no spaces): equal models have equal texts. The caller frees. */
char *model_dump(const json_t *model);

/* How the containers of a changed release take the place of those that run. */
enum model_update {
	MODEL_UPDATE_UNSAID,
	MODEL_UPDATE_RECREATE,	  /* everything goes down, then comes up */
	MODEL_UPDATE_IN_PLACE,	  /* only what changed is replaced */
	MODEL_UPDATE_START_FIRST, /* the new container is healthy before the old one goes, where that is possible */
};

/* `x-pgo: {reload: bool, update: recreate | in-place | start-first, services: {NAME: {update: in-place |
 * start-first}}}` at the top of the file: policy_x_pgo() refuses anything else in it; all other x-* are nobody's
 * business. In a service compose keeps it to itself: its JSON has extensions at the top alone. */
/* `otherwise` when absent. */
bool model_reload(const json_t *model, bool otherwise);
/* The style of the whole file; MODEL_UPDATE_UNSAID when absent. */
enum model_update model_update(const json_t *model);
/* Likewise what a service says for itself. */
enum model_update model_service_update(const json_t *model, const char *service);
/* MODEL_UPDATE_UNSAID for NULL and for what is no style. */
enum model_update model_update_of(const char *word);

struct model_image {
	char *service;
	char *image;   /* the name to look it up by: the written one, or "<project>-<service>" for what is built */
	char *written; /* the name that the compose file writes, for people */
	bool build;    /* has a build section: then it is built, never pulled */
	bool pull;     /* comes from a registry when it is missing: not when it is built, or pull_policy is never */
	bool always;   /* pull_policy asks for a newer one each time: always, and (as we keep no clock) daily, weekly,
			  every_* */
	bool rebuild;  /* pull_policy asks to build it each time (build, always, ...): a present image does not count */
};

struct model_images {
	struct model_image *v;
	size_t n;
};

#define auto_model_images __attribute__((cleanup(model_images_done)))
void model_images_done(struct model_images *mi);
/* The image of every service, sorted by service. */
int model_images(const json_t *model, const char *project, struct model_images *ret, struct err *err);

/* Sorted, unique, clean absolute paths at or beneath `live` (clean) that running the model reads: bind sources, local
 * build contexts, dockerfiles outside of their context, additional contexts that are paths, and the files of configs
 * and secrets. What develop watches is not read. With the data directory in place of `live`: what has to be looked
 * through for symbolic links there, which policy_check (lexical) cannot see and a container that mounts the directory
 * can plant. */
int model_inputs(const json_t *model, const char *live, struct strv *ret, struct err *err);

/* Sorted, unique sources of all bind mounts, wherever they are: what must exist before the containers are made. */
int model_binds(const json_t *model, struct strv *ret, struct err *err);

/* The copy for `compose build`: what has a build section has no name and no tags of its own choice, so that compose
 * calls it "<project>-<service>" and no tag that others use can be put on it. The caller decrefs. */
json_t *model_for_build(const json_t *model);

/* What an image name of a service stood for when the release was prepared. */
struct model_image_id {
	const char *service;
	const char *id; /* "sha256:<64 hex>" */
};

/* The copy that runs: the image of each service is its ID; build, pull_policy, profiles and develop are gone; no bind
 * mount makes its source on the host (the job mkdirs has, as the account). "$" stays doubled, as compose printed it.
 * Every service must have an id, and every id a service. The caller decrefs. */
json_t *model_approve(const json_t *model, const struct model_image_id *ids, size_t nids, struct err *err);

/* An approved model as the policy can judge it again: without what was added after it was judged the first time (pins,
 * our own label). The images are gone: an ID is this very image, whatever its name stands for now. The caller decrefs.
 */
json_t *model_to_judge(const json_t *approved);

/* Gives each service of the approved copy that reads files of the repository the label MODEL_INPUTS_LABEL: a digest of
 * the job's `inputs` answers (answers->v[i] is about inputs->v[i]) about its bind mounts and the files of its configs
 * and secrets, as `model` names them. So a change of such a file is a change of the service, to compose as well. */
void model_label_inputs(json_t *approved, const json_t *model, const struct strv *inputs, const struct strv *answers);
#define MODEL_INPUTS_LABEL "pgo.inputs"
/* Beside it in the service: {path: answer}, so that a later plan can name the file that differs. */
#define MODEL_INPUTS_KEY "x-pgo-inputs"

enum { MODEL_DIGEST_HEX = 65 };

/* What a release is known by (I11): SHA-256, in hex, over the canonical resolved model, the image IDs by service, and
 * the job's `inputs` answers (answers->v[i] is about inputs->v[i]). What builds alone read counts only without image
 * IDs, which say what became of it. The order of ids and of inputs does not matter. -EINVAL when the two lists differ
 * in length. */
int model_digest(const json_t *model, const struct model_image_id *ids, size_t nids, const struct strv *inputs,
    const struct strv *answers, char ret_hex[MODEL_DIGEST_HEX], struct err *err);

enum model_restart {
	MODEL_RESTART_NO,	  /* an exit is an end */
	MODEL_RESTART_ON_FAILURE, /* an exit with 0 is an end */
	MODEL_RESTART_UNLESS_STOPPED,
	MODEL_RESTART_ALWAYS,
};

struct model_service {
	char *name;
	enum model_restart
	    restart;	      /* deploy.restart_policy.condition, which wins, else restart:; compose's default is no */
	int restart_max;      /* on-failure:N; 0: no limit */
	int scale;	      /* scale:, else deploy.replicas, else 1; may be 0 */
	bool healthcheck;     /* the model has one that is not disabled (the image may have one all the same) */
	bool healthcheck_off; /* the model disables the image's */
};

struct model_services {
	struct model_service *v;
	size_t n;
};

#define auto_model_services __attribute__((cleanup(model_services_done)))
void model_services_done(struct model_services *ms);
/* What healing needs to know of each service, sorted by name. */
int model_service_facts(const json_t *model, struct model_services *ret, struct err *err);

/* Sorted, unique real names of the external networks that services use or the top level names. */
int model_external_networks(const json_t *model, struct strv *ret, struct err *err);

#endif
