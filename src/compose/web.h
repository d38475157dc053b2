/* Where visitors of an app are led to: the key x-pgo-http of an approved model, {"service": "web", "port": 5000}. pgo
 * alone writes it; what a compose file has there does not count. Pure. */
#ifndef PGO_COMPOSE_WEB_H
#define PGO_COMPOSE_WEB_H

#include <jansson.h>
#include <stdbool.h>

/* Puts it into the model, in the place of whatever stood there; service NULL: it has no port for visitors. */
void model_set_web(json_t *approved, const char *service, int port);
/* Puts the service that visitors are led to on the network of a proxy in a container, under a name there that no other
 * service may have: "PROJECT-PORT--pgo". False, and nothing is changed, where it has no port for visitors or no
 * networks of its own (network_mode). What model_leave_proxy takes out again is exactly what that has added. */
bool model_join_proxy(json_t *approved, const char *project, const char *network);
void model_leave_proxy(json_t *approved);
/* That name; NULL without one. The caller frees. */
char *model_web_alias(const json_t *approved);
/* Could it be such a name, of any service? */
bool model_is_web_alias(const char *name);
/* False without one: a worker. *ret_service is borrowed from the model, of which it is a service. */
bool model_web(const json_t *approved, const char **ret_service, int *ret_port);

#endif
