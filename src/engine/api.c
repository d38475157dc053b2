#include "engine/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "engine/view.h"

enum { IMAGE_MAX = 512, NAME_MAX_BYTES = 255, VERSION_MAX = 128 };

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

/* Of a network or a container. */
static bool
name_ok(const char *arg)
{
	return only(arg, LETTERS DIGITS "._-", NAME_MAX_BYTES) && arg[0] != '.';
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

/* The only form in which an image is tagged: what the release was approved with. */
static bool
image_id_ok(const char *arg)
{
	return str_starts(arg, "sha256:") && container_id_ok(arg + strlen("sha256:"));
}

#define IMAGE_TAG "pgo.local/%o"
#define IMAGE_PUBLISHED "%r/%o"
#define PROJECT_LABEL "com.docker.compose.project"

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	SECOND = 1000,
};

/* The filters of the stream leave out the health probes' exec_* events, of which a busy engine has thousands. (With
 * health_status among them the engine compares the beginnings of the words, so that "health_status: healthy" comes
 * too.) */
static const struct api_call calls[] = {
    [API_EVENTS] =
	{
	    .method = "GET",
	    .path = "/events",
	    .query =
		"since=%s&filters={\"type\":[\"container\"],\"label\":[\"" PROJECT_LABEL "\"],\"event\":[\"create\","
		"\"start\",\"die\",\"stop\",\"kill\",\"pause\",\"unpause\",\"rename\",\"update\",\"destroy\",\"oom\","
		"\"health_status\"]}",
	    .arg_ok = seconds_ok,
	    .limit_bytes = MIB,
	    .help = "What happens to containers of compose projects, for ever.",
	},
    [API_LIST_ALL] =
	{
	    .method = "GET",
	    .path = "/containers/json",
	    .query = "all=1&filters={\"label\":[\"" PROJECT_LABEL "\"]}",
	    .limit_bytes = 8 * MIB,
	    .deadline_ms = 30 * SECOND,
	    .help = "All containers of compose projects, once when the event stream opens.",
	},
    [API_LIST_PROJECT] =
	{
	    .method = "GET",
	    .path = "/containers/json",
	    .query = "all=1&filters={\"label\":[\"" PROJECT_LABEL "=%s\"]}",
	    .arg_ok = str_is_service_name,
	    .limit_bytes = 8 * MIB,
	    .deadline_ms = 30 * SECOND,
	    .help = "A project's containers, for ps.",
	},
    [API_INSPECT] =
	{
	    .method = "GET",
	    .path = "/containers/%s/json",
	    .arg_ok = container_id_ok,
	    .answer_ok = container_is,
	    .limit_bytes = 8 * MIB,
	    .deadline_ms = 30 * SECOND,
	    .missing_ok = true,
	    .help = "One container, after an event about it or before it is changed.",
	},
    [API_IMAGE] =
	{
	    .method = "GET",
	    .path = "/images/%s/json",
	    .arg_ok = image_ok,
	    .limit_bytes = 8 * MIB,
	    .deadline_ms = 30 * SECOND,
	    .missing_ok = true,
	    .help = "The id behind an image's name.",
	},
    [API_NETWORK] =
	{
	    .method = "GET",
	    .path = "/networks/%s",
	    .arg_ok = name_ok,
	    .answer_ok = network_is,
	    .limit_bytes = 8 * MIB,
	    .deadline_ms = 30 * SECOND,
	    .missing_ok = true,
	    .help = "Does a network exist?",
	},
    [API_TAG] =
	{
	    .method = "POST",
	    .path = "/images/%s/tag",
	    .query = "repo=" IMAGE_TAG "&tag=%t",
	    .arg_ok = image_id_ok,
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 30 * SECOND,
	    .missing_ok = true,
	    .write = true,
	    .help = "Keeps an image of a release from being pruned.",
	},
    [API_UNTAG] =
	{
	    .method = "DELETE",
	    .path = "/images/" IMAGE_TAG ":%t",
	    .query = "noprune=false",
	    .arg_ok = image_id_ok,
	    .limit_bytes = MIB,
	    .deadline_ms = 60 * SECOND,
	    .missing_ok = true,
	    .write = true,
	    .help = "Takes our tag off an image, which goes if it has no other name and no container.",
	},
    [API_PUBLISH] =
	{
	    .method = "POST",
	    .path = "/images/%s/tag",
	    .query = "repo=" IMAGE_PUBLISHED "&tag=%v",
	    .arg_ok = image_id_ok,
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 30 * SECOND,
	    .missing_ok = true,
	    .write = true,
	    .published = true,
	    .help = "Gives an image of an app the name under which it goes to the registry of [push].",
	},
    [API_UNPUBLISH] =
	{
	    .method = "DELETE",
	    .path = "/images/" IMAGE_PUBLISHED ":%v",
	    .query = "noprune=false",
	    .limit_bytes = MIB,
	    .deadline_ms = 60 * SECOND,
	    .missing_ok = true,
	    .write = true,
	    .published = true,
	    .help = "Takes that name off again.",
	},
    [API_START] =
	{
	    .method = "POST",
	    .path = "/containers/%c/start",
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 60 * SECOND,
	    .write = true,
	    .guarded = true,
	    .also_ok = 304,
	    .help = "Starts a container that stands beside the one it will replace.",
	},
    [API_STOP] =
	{
	    .method = "POST",
	    .path = "/containers/%c/stop",
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 60 * SECOND,
	    .missing_ok = true,
	    .write = true,
	    .guarded = true,
	    .also_ok = 304,
	    .help = "Drains a container: its own signal and grace period.",
	},
    [API_REMOVE] =
	{
	    .method = "DELETE",
	    .path = "/containers/%c",
	    .query = "v=false&force=false", /* its volumes stay (no volume is deleted unasked) */
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 60 * SECOND,
	    .missing_ok = true,
	    .write = true,
	    .guarded = true,
	    .help = "Removes a stopped container that was replaced, or was to replace one.",
	},
    [API_RENAME] =
	{
	    .method = "POST",
	    .path = "/containers/%c/rename",
	    .query = "name=%s",
	    .arg_ok = name_ok,
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 30 * SECOND,
	    .missing_ok = true,
	    .write = true,
	    .guarded = true,
	    .help = "Gives a container the name that compose did not come to give it.",
	},
    [API_CONNECT] =
	{
	    .method = "POST",
	    .path = "/networks/%s/connect",
	    .arg_ok = name_ok,
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 30 * SECOND,
	    .write = true,
	    .guarded = true,
	    .has_body = true,
	    .help = "Connects a container, with or without the names by which others find it.",
	},
    [API_DISCONNECT] =
	{
	    .method = "POST",
	    .path = "/networks/%s/disconnect",
	    .arg_ok = name_ok,
	    .limit_bytes = 64 * KIB,
	    .deadline_ms = 30 * SECOND,
	    .write = true,
	    .guarded = true,
	    .has_body = true,
	    .help = "Disconnects a container from one network.",
	},
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
encode_hole(struct buf *b, char which, const struct api_args *args, const char *keep)
{
	char tag[API_TAG_HEX + 1];

	switch (which) {
	case 's':
		encode(b, args->arg, keep);
		break;
	case 'o':
		encode(b, args->service, keep);
		break;
	case 'r':
		encode(b, args->registry, keep);
		break;
	case 'v':
		encode(b, args->version, keep);
		break;
	case 'c':
		encode(b, args->container, keep);
		break;
	case 't':
		snprintf(tag, sizeof(tag), "%s", args->arg + strlen("sha256:"));
		encode(b, tag, keep);
		break;
	default:
		abort();
	}
}

static void
expand(struct buf *b, const char *template, const struct api_args *args, const char *keep)
{
	const char *hole;

	for (; (hole = strchr(template, '%')) != NULL; template = hole + 2) {
		auto_free char *plain = strndup(template, (size_t)(hole - template));

		if (plain == NULL)
			abort();
		encode(b, plain, keep);
		encode_hole(b, hole[1], args, keep);
	}
	encode(b, template, keep);
}

static bool
version_ok(const char *arg)
{
	return only(arg, LETTERS DIGITS "._-", VERSION_MAX) && strchr(".-", arg[0]) == NULL;
}

bool
api_args_ok(const struct api_call *call, const struct api_args *args)
{
	if (call->arg_ok != NULL && (args->arg == NULL || !call->arg_ok(args->arg)))
		return false;
	if (call->write && (args->service == NULL || !str_is_service_name(args->service)))
		return false;
	if (call->guarded && (args->container == NULL || !container_id_ok(args->container)))
		return false;
	if (call->published && (args->registry == NULL || !image_ok(args->registry) || args->version == NULL ||
				   !version_ok(args->version)))
		return false;
	return call->has_body == (args->body != NULL);
}

void
api_request(struct buf *b, const struct api_call *call, bool versioned, const struct api_args *args)
{
	buf_printf(b, "%s %s", call->method, versioned ? API_VERSION : "");
	expand(b, call->path, args, "/:@");
	if (call->query != NULL) {
		buf_add(b, "?", 1);
		expand(b, call->query, args, "=&");
	}
	buf_str_add(b, " HTTP/1.1\r\nHost: docker\r\nUser-Agent: pgo/" PGO_VERSION "\r\nAccept: application/json\r\n");
	if (call->has_body)
		buf_str_add(b, "Content-Type: application/json\r\n");
	if (call->write)
		buf_printf(b, "Content-Length: %zu\r\n", args->body == NULL ? 0 : strlen(args->body));
	buf_str_add(b, "\r\n");
	if (args->body != NULL)
		buf_str_add(b, args->body);
}

bool
api_owns(const json_t *inspect, const char *service)
{
	const json_t *labels = json_object_get(json_object_get(inspect, "Config"), "Labels");

	return member_is(labels, PROJECT_LABEL, service);
}

bool
api_version_refused(const char *body)
{
	return strstr(body, "client version") != NULL &&
	       (strstr(body, "too new") != NULL || strstr(body, "too old") != NULL);
}
