#include "compose/app.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "compose/json.h"
#include "compose/web.h"

#define KEY "x-pgo-app"
#define TOLD "told" /* beneath it: the PORT that is in the environment stands there by an earlier decision */

enum { PORT_USUAL = 80, PORT_TOLD = 5000 };

static const json_t *
said(const json_t *model)
{
	return json_object_get(model, KEY);
}

void
app_disown(json_t *model, bool is_app)
{
	model_set_web(model, NULL, 0);
	if (!is_app)
		json_object_del(model, KEY);
}

bool
app_is_made(const json_t *model)
{
	const char *kind = json_str(said(model), "kind");

	return str_eq(kind, "dockerfile") || str_eq(kind, "static");
}

const char *
app_web_service(const json_t *model)
{
	const json_t *services = json_object_get(model, "services");
	const char *name;
	json_t *service;

	if (json_object_get(services, "web") != NULL)
		return "web";
	json_object_foreach((json_t *)services, name, service)
	{
		return json_object_size(services) == 1 ? name : NULL;
	}
	return NULL;
}

char *
app_check_path(const json_t *model)
{
	const char *path = json_str(said(model), "check");

	return path == NULL ? str_dup("") : json_undollar(path);
}

/* --- ports --- */

/* "8080", "8080/tcp"; of a range the first. 0: none of TCP. */
static int
port_of(const char *text)
{
	auto_free char *copy = str_dup(text == NULL ? "" : text);
	char *slash = strchr(copy, '/');
	int64_t port;

	if (slash != NULL && !str_eq(slash, "/tcp"))
		return 0;
	copy[strcspn(copy, "/-")] = '\0';
	return str_to_int(copy, 1, UINT16_MAX, &port) ? (int)port : 0;
}

/* The usual one, else the first by number. */
static int
better_port(int a, int b)
{
	if (a == 0 || b == PORT_USUAL)
		return b;
	return b == 0 || a == PORT_USUAL || a < b ? a : b;
}

static int
port_of_file(const json_t *service)
{
	json_t *entry;
	int port = 0;
	size_t i;

	json_array_foreach(json_object_get(service, "expose"), i, entry)
	{
		if (json_is_integer(entry)) {
			auto_free char *text = str_printf("%lld", (long long)json_integer_value(entry));

			port = better_port(port, port_of(text));
		} else {
			port = better_port(port, port_of(json_string_value(entry)));
		}
	}
	return port;
}

static int
port_of_image(const json_t *image)
{
	const char *name;
	json_t *nothing;
	int port = 0;

	json_object_foreach(json_object_get(image, "ExposedPorts"), name, nothing)
	{
		port = better_port(port, port_of(name));
	}
	return port;
}

/* What the image, or the app's config vars, say of PORT. */
static int
port_of_environment(const json_t *service, const json_t *image)
{
	const char *own = json_str(json_object_get(service, "environment"), "PORT");
	int port = port_of(own);
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(image, "Env"), i, entry)
	{
		const char *variable = json_string_value(entry);

		if (port == 0 && own == NULL && variable != NULL && str_starts(variable, "PORT="))
			port = port_of(variable + strlen("PORT="));
	}
	return port;
}

static void
tell_port(json_t *model, json_t *service, int port)
{
	json_t *environment = json_object_get(service, "environment");
	auto_free char *text = str_printf("%d", port);

	if (!json_is_object(environment)) {
		environment = json_object();
		if (environment == NULL || json_object_set_new(service, "environment", environment) < 0)
			abort();
	}
	if (json_object_set_new(environment, "PORT", json_string(text)) < 0 ||
	    json_object_set_new(json_object_get(model, KEY), TOLD, json_true()) < 0)
		abort();
}

static void
forget(json_t *model, json_t *service)
{
	json_t *app = json_object_get(model, KEY);

	model_set_web(model, NULL, 0);
	if (!json_is_true(json_object_get(app, TOLD)))
		return;
	json_object_del(app, TOLD);
	json_object_del(json_object_get(service, "environment"), "PORT");
}

static enum app_port
find_port(json_t *model, json_t *service, const json_t *image, int *ret_port)
{
	if ((*ret_port = port_of(json_str(said(model), "port"))) != 0)
		return APP_PORT_SAID;
	if ((*ret_port = port_of_file(service)) != 0)
		return APP_PORT_FILE;
	if ((*ret_port = port_of_image(image)) != 0)
		return APP_PORT_IMAGE;
	if (!app_is_made(model))
		return APP_PORT_NONE;
	if ((*ret_port = port_of_environment(service, image)) == 0)
		tell_port(model, service, *ret_port = PORT_TOLD);
	return APP_PORT_VARIABLE;
}

enum app_port
app_decide_port(json_t *model, const json_t *image)
{
	const char *web = app_web_service(model);
	json_t *service = web == NULL ? NULL : json_object_get(json_object_get(model, "services"), web);
	enum app_port from;
	int port = 0;

	forget(model, service);
	if (json_is_true(json_object_get(said(model), "worker")))
		return APP_PORT_WORKER;
	if (service == NULL)
		return APP_PORT_NO_WEB;
	from = find_port(model, service, image, &port);
	if (from != APP_PORT_NONE)
		model_set_web(model, web, port);
	return from;
}

/* --- process 1 --- */

/* s6-overlay (init) refuses to be another process; the others need none above them. */
static const char *const inits[] = {"init", "tini", "tini-static", "docker-init", "dumb-init", "catatonit", "my_init",
    "s6-svscan", "runit", "runit-init", "runsvdir", "runsvdir-start", "systemd"};

/* path[0..len): "/usr/bin/tini". */
static bool
is_init(const char *path, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(inits); i++) {
		size_t n = strlen(inits[i]);

		if (len >= n && strncmp(path + len - n, inits[i], n) == 0 && (len == n || path[len - n - 1] == '/'))
			return true;
	}
	return false;
}

/* Each word counts: it may stand behind a shell (the form of ENTRYPOINT without brackets) or env. */
static bool
names_init(const json_t *command)
{
	json_t *entry;
	size_t i, len;

	json_array_foreach(command, i, entry)
	{
		const char *text = json_string_value(entry);

		for (const char *at = text; at != NULL && *(at += strspn(at, " \t\n")) != '\0'; at += len) {
			len = strcspn(at, " \t\n");
			if (is_init(at, len))
				return true;
		}
	}
	return false;
}

void
app_decide_init(json_t *model, const json_t *image)
{
	const char *web = app_web_service(model);
	json_t *service = web == NULL ? NULL : json_object_get(json_object_get(model, "services"), web);

	if (service == NULL || !app_is_made(model))
		return;
	json_object_del(service, "init");
	if (json_object_size(image) > 0 && !names_init(json_object_get(image, "Entrypoint")) &&
	    !names_init(json_object_get(image, "Cmd")) && json_object_set_new(service, "init", json_true()) < 0)
		abort();
}
