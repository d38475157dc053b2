/* The names that a model takes on the host, which every service shares: what other services must not take as well. */
#ifndef PGO_COMPOSE_NAMES_H
#define PGO_COMPOSE_NAMES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct model_names {
	struct strv services;	/* compose services: containers are called <project>-<service>-<number> */
	struct strv containers; /* container_name: of those that have one */
	struct strv networks;	/* real names of the networks that it makes under names of its own choice */
	struct strv joined;	/* real names of the external networks that it joins */
};

#define auto_model_names __attribute__((cleanup(model_names_done)))
void model_names_done(struct model_names *mn);
/* -E2BIG when there are more than a list holds. */
int model_names(const json_t *model, const char *project, struct model_names *ret, struct err *err);

/* Under which name the engine knows a network or volume of the model (its key, its mapping). The caller frees. */
char *model_real_name(const char *project, const char *key, const json_t *obj);
/* True for "<project><sep>...", sep one of seps. */
bool model_name_is_ours(const char *project, const char *name, const char *seps);
/* True when name is "<project>-<service>-<number>", as compose calls the service's containers. */
bool model_is_container_of(const char *project, const char *service, const char *name);
/* Compose makes what takes a container's place as "<12 hex digits of the old one's id>_<name>", and gives it its name
 * when the old one has gone. That name, where such a name and no other is what it has: one that compose or the model
 * gives the service's containers. Borrowed from `name`; NULL. */
const char *model_name_behind(const struct model_names *mn, const char *project, const char *service, const char *name);
/* True when name is "<project>-<service>", as compose calls the image that it builds for the service. */
bool model_is_image_of(const char *project, const char *service, const char *name);

#endif
