#include "engine/container.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "engine/container_net.h"

enum { FIELD_MAX = 512 }; /* bytes kept of a text that an account chose */

static const char *const state_texts[] = {
    [CONTAINER_CREATED] = "created",
    [CONTAINER_RUNNING] = "running",
    [CONTAINER_PAUSED] = "paused",
    [CONTAINER_RESTARTING] = "restarting",
    [CONTAINER_REMOVING] = "removing",
    [CONTAINER_EXITED] = "exited",
    [CONTAINER_DEAD] = "dead",
    [CONTAINER_UNKNOWN] = "unknown",
};

static const char *const health_texts[] = {
    [HEALTH_NONE] = "",
    [HEALTH_STARTING] = "starting",
    [HEALTH_HEALTHY] = "healthy",
    [HEALTH_UNHEALTHY] = "unhealthy",
};

const char *
container_state_text(enum container_state state)
{
	return state_texts[state];
}

const char *
container_health_text(enum container_health health)
{
	return health_texts[health];
}

enum container_state
container_state_of(const char *text)
{
	for (size_t i = 0; i < CONTAINER_UNKNOWN; i++) {
		if (str_eq(text, state_texts[i]))
			return (enum container_state)i;
	}
	return CONTAINER_UNKNOWN;
}

static enum container_health
health_of(const char *text)
{
	for (size_t i = HEALTH_STARTING; i < ARRAY_LEN(health_texts); i++) {
		if (str_eq(text, health_texts[i]))
			return (enum container_health)i;
	}
	return HEALTH_NONE;
}

bool
container_id_ok(const char *id)
{
	return strspn(id, "0123456789abcdef") == CONTAINER_ID_LEN && id[CONTAINER_ID_LEN] == '\0';
}

int
container_status_exit(const char *status)
{
	static const char *const words[] = {"Exited (", "Restarting (", "Dead ("};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char *end = NULL;
		long code;

		if (!str_starts(status, words[i]))
			continue;
		code = strtol(status + strlen(words[i]), &end, 10);
		return *end == ')' && code >= 0 && code <= 255 ? (int)code : -1;
	}
	return -1;
}

enum container_health
container_status_health(const char *status)
{
	if (!str_starts(status, "Up "))
		return HEALTH_NONE;
	if (str_ends(status, " (healthy)"))
		return HEALTH_HEALTHY;
	if (str_ends(status, " (unhealthy)"))
		return HEALTH_UNHEALTHY;
	return str_ends(status, " (health: starting)") ? HEALTH_STARTING : HEALTH_NONE;
}

char *
container_exit_text(const char *what, const struct container *c)
{
	const char *why = c->oom ? " (out of memory)" : "";

	if (c->exit_code < 0)
		return str_printf("%s%s", what, why);
	return str_printf("%s %d%s", what, c->exit_code, why);
}

/* The text of a member, "" when there is none. */
static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static int
number(const char *s)
{
	int64_t n = 0;

	(void)str_to_int(s, 0, 1000000, &n);
	return (int)n;
}

/* Days since the epoch of a date of the proleptic Gregorian calendar (timegm would look for the time zone's file). */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* Seconds of "2026-11-21T00:16:52.123456789Z"; 0 when it is none. */
static int64_t
time_of(const char *s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	int64_t f[6] = {0};
	size_t field = 0;

	for (size_t i = 0; shape[i] != '\0'; i++) {
		if (shape[i] != 'd') {
			if (s[i] != shape[i])
				return 0;
			field++;
		} else {
			if (s[i] < '0' || s[i] > '9')
				return 0;
			f[field] = f[field] * 10 + (s[i] - '0');
		}
	}
	return days_of(f[0], f[1], f[2]) * 86400 + f[3] * 3600 + f[4] * 60 + f[5];
}

/* What list and inspect have in common, borrowed from the JSON. */
static bool
from_labels(struct container *c, const json_t *labels)
{
	c->project = text(labels, "com.docker.compose.project");
	/* Other people's containers may say anything here; ours have a name that we gave. */
	if (!str_is_service_name(c->project))
		return false;
	c->service = text(labels, "com.docker.compose.service");
	c->config_hash = text(labels, "com.docker.compose.config-hash");
	c->number = number(text(labels, "com.docker.compose.container-number"));
	c->oneoff = str_eq(text(labels, "com.docker.compose.oneoff"), "True");
	return true;
}

static bool
from_common(struct container *c, const json_t *o, const char *name, const char *state)
{
	const char *id = text(o, "Id");

	if (!container_id_ok(id))
		return false;
	memcpy(c->id, id, sizeof(c->id));
	c->name = *name == '/' ? name + 1 : name;
	c->state = container_state_of(state);
	c->exit_code = -1;
	return true;
}

static bool
has_exit_code(enum container_state state)
{
	return state == CONTAINER_EXITED || state == CONTAINER_DEAD || state == CONTAINER_RESTARTING;
}

const char *
container_list_name(const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *s = json_string_value(json_array_get(names, i));

		if (s != NULL && strrchr(s, '/') == s)
			return s + 1;
	}
	return "";
}

/* [{"PrivatePort": 80, "PublicPort": 8080, …}]; what the image only exposes has no public one. */
static bool
has_public_port(const json_t *ports)
{
	json_t *port;
	size_t i;

	json_array_foreach(ports, i, port)
	{
		if (json_integer_value(json_object_get(port, "PublicPort")) > 0)
			return true;
	}
	return false;
}

static const json_t *
networks_of(const json_t *o)
{
	return json_object_get(json_object_get(o, "NetworkSettings"), "Networks");
}

bool
container_from_list(struct container *c, const json_t *o)
{
	const char *status = text(o, "Status");

	if (!from_common(c, o, container_list_name(json_object_get(o, "Names")), text(o, "State")) ||
	    !from_labels(c, json_object_get(o, "Labels")))
		return false;
	c->image = text(o, "Image");
	c->image_id = text(o, "ImageID");
	c->created = json_integer_value(json_object_get(o, "Created"));
	c->publishes = has_public_port(json_object_get(o, "Ports"));
	c->networks = networks_of(o);
	if (has_exit_code(c->state))
		c->exit_code = container_status_exit(status);
	if (c->state == CONTAINER_RUNNING)
		c->health = container_status_health(status);
	return true;
}

bool
container_from_inspect(struct container *c, const json_t *o)
{
	const json_t *state = json_object_get(o, "State");
	const json_t *config = json_object_get(o, "Config");
	const json_t *code = json_object_get(state, "ExitCode");
	const json_t *restarts = json_object_get(o, "RestartCount");

	if (!from_common(c, o, text(o, "Name"), text(state, "Status")) ||
	    !from_labels(c, json_object_get(config, "Labels")))
		return false;
	c->image = text(config, "Image");
	c->image_id = text(o, "Image");
	c->networks = networks_of(o);
	c->created = time_of(text(o, "Created"));
	if (has_exit_code(c->state) && json_is_integer(code) && json_integer_value(code) >= 0 &&
	    json_integer_value(code) <= INT32_MAX)
		c->exit_code = (int)json_integer_value(code);
	c->oom = json_is_true(json_object_get(state, "OOMKilled"));
	if (json_integer_value(restarts) > 0)
		c->restarts = (unsigned)json_integer_value(restarts);
	if (c->state == CONTAINER_RUNNING)
		c->health = health_of(text(json_object_get(state, "Health"), "Status"));
	return true;
}

/* Moves the text behind the struct; *at is where the next one goes. */
static const char *
pack(char **at, const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = *at;

	memcpy(copy, s, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

struct container *
container_copy(const struct container *c)
{
	auto_buf struct buf addresses = BUF_INIT(CONTAINER_NETS_BYTES);
	const char *texts[] = {c->name, c->project, c->service, c->image, c->image_id, c->config_hash};
	size_t size = sizeof(*c);
	struct container *copy;
	char *at;

	container_net_lines(c->networks, &addresses);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		size += strnlen(texts[i], FIELD_MAX) + 1;
	if ((copy = malloc(size + addresses.len + 1)) == NULL)
		abort();
	*copy = *c;
	at = (char *)(copy + 1);
	copy->name = pack(&at, c->name, FIELD_MAX);
	copy->project = pack(&at, c->project, FIELD_MAX);
	copy->service = pack(&at, c->service, FIELD_MAX);
	copy->image = pack(&at, c->image, FIELD_MAX);
	copy->image_id = pack(&at, c->image_id, FIELD_MAX);
	copy->config_hash = pack(&at, c->config_hash, FIELD_MAX);
	copy->networks = NULL;
	copy->addresses = pack(&at, buf_str(&addresses), CONTAINER_NETS_BYTES);
	return copy;
}
