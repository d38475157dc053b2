#include "engine/api.h"

#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "engine/view.h"

enum { IMAGE_MAX = 512, NETWORK_MAX = 255 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool
only(const char *arg, const char *allowed, size_t max)
{
	size_t len = strspn(arg, allowed);

	return len > 0 && len <= max && arg[len] == '\0';
}

static bool
seconds_ok(const char *arg)
{
	return only(arg, DIGITS, 15);
}

/* A repository chose it: it must not be able to name another path of the API. */
static bool
image_ok(const char *arg)
{
	return only(arg, LETTERS DIGITS "._-:/@", IMAGE_MAX) && strchr("./", arg[0]) == NULL &&
	       strstr(arg, "//") == NULL && strstr(arg, "/.") == NULL && !str_ends(arg, "/");
}

static bool
network_ok(const char *arg)
{
	return only(arg, LETTERS DIGITS "._-", NETWORK_MAX) && arg[0] != '.';
}

static bool
member_is(const json_t *body, const char *key, const char *arg)
{
	const char *s = json_string_value(json_object_get(body, key));

	return s != NULL && str_eq(s, arg);
}

/* The engine also finds a network by the beginning of its id. */
static bool
network_is(const json_t *body, const char *arg)
{
	return member_is(body, "Name", arg);
}

static bool
container_is(const json_t *body, const char *arg)
{
	return member_is(body, "Id", arg);
}

/* The filters of the stream leave out the health probes' exec_* events, of which a busy engine has thousands. (With
 * health_status among them the engine compares the beginnings of the words, so that "health_status: healthy" comes
 * too.) */
static const struct api_call calls[] = {
    [API_EVENTS] = {"GET", "/events",
	"since=%s&filters={\"type\":[\"container\"],\"label\":[\"com.docker.compose.project\"],\"event\":[\"create\","
	"\"start\",\"die\",\"stop\",\"kill\",\"pause\",\"unpause\",\"rename\",\"update\",\"destroy\",\"health_status\"]"
	"}",
	seconds_ok, NULL, 1024 * 1024, 0, false, "What happens to containers of compose projects, for ever."},
    [API_LIST_ALL] = {"GET", "/containers/json", "all=1&filters={\"label\":[\"com.docker.compose.project\"]}", NULL,
	NULL, 8 * 1024 * 1024, 30 * 1000, false,
	"All containers of compose projects, once when the event stream opens."},
    [API_LIST_PROJECT] = {"GET", "/containers/json", "all=1&filters={\"label\":[\"com.docker.compose.project=%s\"]}",
	str_is_service_name, NULL, 8 * 1024 * 1024, 30 * 1000, false, "A project's containers, for ps."},
    [API_INSPECT] = {"GET", "/containers/%s/json", NULL, container_id_ok, container_is, 8 * 1024 * 1024, 30 * 1000,
	true, "One container, after an event about it."},
    [API_IMAGE] = {"GET", "/images/%s/json", NULL, image_ok, NULL, 8 * 1024 * 1024, 30 * 1000, true,
	"The id behind an image's name."},
    [API_NETWORK] = {"GET", "/networks/%s", NULL, network_ok, network_is, 8 * 1024 * 1024, 30 * 1000, true,
	"Does a network exist?"},
};

const struct api_call *
api_call(enum api call)
{
	return &calls[call];
}

size_t
api_count(void)
{
	return ARRAY_LEN(calls);
}

/* Adds the template with its argument, all but unreserved characters and `keep` percent-encoded. */
static void
encode(struct buf *b, const char *s, const char *keep)
{
	for (; *s != '\0'; s++) {
		if (strchr(LETTERS DIGITS "-._~", *s) != NULL || strchr(keep, *s) != NULL)
			buf_add(b, s, 1);
		else
			buf_printf(b, "%%%02X", (unsigned char)*s);
	}
}

static void
expand(struct buf *b, const char *template, const char *arg, const char *keep)
{
	const char *hole = strstr(template, "%s");
	auto_free char *head = NULL;

	if (hole == NULL) {
		encode(b, template, keep);
		return;
	}
	head = str_dup(template);
	head[hole - template] = '\0';
	encode(b, head, keep);
	encode(b, arg, keep);
	encode(b, hole + 2, keep);
}

void
api_request(struct buf *b, const struct api_call *call, bool versioned, const char *arg)
{
	buf_printf(b, "%s %s", call->method, versioned ? API_VERSION : "");
	expand(b, call->path, arg, "/:@");
	if (call->query != NULL) {
		buf_add(b, "?", 1);
		expand(b, call->query, arg, "=&");
	}
	buf_str_add(
	    b, " HTTP/1.1\r\nHost: docker\r\nUser-Agent: pgo/" PGO_VERSION "\r\nAccept: application/json\r\n\r\n");
}

bool
api_version_refused(const char *body)
{
	return strstr(body, "client version") != NULL &&
	       (strstr(body, "too new") != NULL || strstr(body, "too old") != NULL);
}
