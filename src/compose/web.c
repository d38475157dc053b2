#include "compose/web.h"

#include <stdlib.h>

#include "compose/json.h"

#define KEY "x-pgo-http"

enum { PORT_MAX = 65535 };

void
model_set_web(json_t *approved, const char *service, int port)
{
	json_t *web;

	json_object_del(approved, KEY);
	if (service == NULL)
		return;
	web = json_pack("{ss si}", "service", service, "port", port);
	if (web == NULL || json_object_set_new(approved, KEY, web) != 0)
		abort();
}

bool
model_web(const json_t *approved, const char **ret_service, int *ret_port)
{
	const json_t *web = json_object_get(approved, KEY);
	const char *service = json_str(web, "service");
	json_int_t port = json_integer_value(json_object_get(web, "port"));

	if (service == NULL || port < 1 || port > PORT_MAX ||
	    json_object_get(json_object_get(approved, "services"), service) == NULL)
		return false;
	*ret_service = service;
	*ret_port = (int)port;
	return true;
}
