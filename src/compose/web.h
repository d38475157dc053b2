/* Where visitors of an app are led to: the key x-pgo-http of an approved model, {"service": "web", "port": 5000}. pgo
 * alone writes it; what a compose file has there does not count. Pure. */
#ifndef PGO_COMPOSE_WEB_H
#define PGO_COMPOSE_WEB_H

#include <jansson.h>
#include <stdbool.h>

/* Puts it into the model, in the place of whatever stood there; service NULL: it has no port for visitors. */
void model_set_web(json_t *approved, const char *service, int port);
/* False without one: a worker. *ret_service is borrowed from the model, of which it is a service. */
bool model_web(const json_t *approved, const char **ret_service, int *ret_port);

#endif
