/* The rows of the table that judge paths of the host. Lexical: links are found by the job `inputs`. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "compose/json.h"
#include "compose/policy_table.h"
#include "compose/refs.h"

enum place {
	PLACE_LIVE = 1,
	PLACE_DATA = 2,
};

static bool
is_beneath_name(const char *live, const char *name, const char *path)
{
	auto_free char *dir = str_printf("%s/%s", str_eq(live, "/") ? "" : live, name);

	return path_is_beneath(dir, path, NULL);
}

/* A container that writes there makes itself keys of this service, or hooks for git. */
static bool
is_protected(const struct check *c, const char *path)
{
	return is_beneath_name(c->policy->live, ".git", path) || is_beneath_name(c->policy->live, "ssh", path);
}

static bool
is_allowed_place(const struct check *c, const char *path, unsigned places)
{
	if ((places & PLACE_LIVE) && path_is_beneath(c->policy->live, path, NULL))
		return true;
	return (places & PLACE_DATA) && c->policy->datadir != NULL && path_is_beneath(c->policy->datadir, path, NULL);
}

static char *
place_advice(const struct check *c, unsigned places)
{
	if ((places & PLACE_DATA) && c->policy->datadir != NULL)
		return str_printf("use a path of the repository (./…) or one beneath %s", c->policy->datadir);
	return str_dup("use a path of the repository (./…)");
}

/* .git and ssh of the repository hold hooks and keys. `./`, with both in it, may be mounted: the live tree has no .git,
 * and keys are read from the commit, so that what a container writes into ssh/ opens nothing. */
static void
judge_path(struct check *c, const char *at, const char *written, const char *what, unsigned places)
{
	auto_free char *path = json_undollar(written);
	auto_free char *advice = place_advice(c, places);

	if (!path_is_clean(path))
		check_fail(c, at, advice, "%s %.300s is not a clean absolute path", what, path);
	else if (!is_allowed_place(c, path, places))
		check_fail(c, at, advice, "%s %.300s is outside of this service's directories", what, path);
	else if ((places & PLACE_DATA) && is_protected(c, path))
		check_fail(
		    c, at, advice, "%s %.300s holds keys or hooks of this service and is not allowed", what, path);
}

void
check_file(struct check *c, const json_t *value)
{
	if (json_is_string(value))
		judge_path(c, NULL, json_string_value(value), "the file", PLACE_LIVE | PLACE_DATA);
	else
		check_fail(c, NULL, NULL, "file must be a path");
}

static void
check_named_volume(struct check *c, const json_t *mount)
{
	const json_t *source = json_object_get(mount, "source");
	const json_t *volumes = json_object_get(c->model, "volumes");

	if (json_is_unset(source))
		return;
	if (!json_is_string(source) || json_object_get(volumes, json_string_value(source)) == NULL)
		check_fail(c, ".source", "name it under volumes", "the volume is not one of this file's volumes");
}

/* What the administrator allows are other places: none of this service's own gets wider by it. */
static bool
is_allowed_source(const struct check *c, const json_t *mount, const char *source)
{
	auto_free char *path = json_undollar(source);

	return path_is_clean(path) && !is_protected(c, path) &&
	       check_allowed_path(c, path, json_is_true(json_object_get(mount, "read_only")));
}

void
check_mount(struct check *c, const json_t *mount)
{
	const char *type = json_str(mount, "type");
	const char *source = json_str(mount, "source");

	if (c->policy->root || (type != NULL && str_eq(type, "tmpfs")))
		return;
	if (type != NULL && str_eq(type, "volume"))
		check_named_volume(c, mount);
	else if (type == NULL || !str_eq(type, "bind"))
		check_fail(c, ".type", "use bind, volume or tmpfs", "volumes of type %.100s are not allowed",
		    type == NULL ? "(none)" : type);
	else if (source == NULL)
		check_fail(c, ".source", "write the path to mount", "a bind mount needs a source");
	else if (!is_allowed_source(c, mount, source))
		judge_path(c, ".source", source, "the path", PLACE_LIVE | PLACE_DATA);
}

/* A dockerfile inside of its context is told with the context. */
static void
judge_dockerfile(struct check *c, const json_t *build)
{
	auto_free char *dockerfile = refs_dockerfile(build);
	auto_free char *context = json_undollar(json_str(build, "context"));

	if (dockerfile == NULL || path_is_beneath(context, dockerfile, NULL))
		return;
	if (!is_allowed_place(c, dockerfile, PLACE_LIVE))
		check_fail(c, ".dockerfile", "use a path of the repository (./…)",
		    "the dockerfile %.300s is outside of the repository", dockerfile);
}

static void
judge_context(struct check *c, const char *at, const char *context)
{
	auto_free char *plain = json_undollar(context);

	if (context[0] == '/')
		judge_path(c, at, context, "the build context", PLACE_LIVE);
	else if (!check_allowed(c, "build.context", plain))
		check_fail(c, at, "use a directory of the repository (./…)",
		    "the build context %.300s is not in the repository", context);
}

void
check_build(struct check *c, const json_t *build)
{
	const char *context = json_str(build, "context");

	if (c->policy->root)
		return;
	if (context == NULL || context[0] == '\0')
		check_fail(
		    c, ".context", "use a directory of the repository (./…)", "the build section has no context");
	else
		judge_context(c, ".context", context);
	if (context != NULL && context[0] == '/')
		judge_dockerfile(c, build);
}

void
check_build_contexts(struct check *c, const json_t *value)
{
	const char *key;
	json_t *child;

	if (!json_is_object(value))
		check_fail(c, NULL, NULL, "additional_contexts must be a mapping");
	json_object_foreach((json_t *)value, key, child)
	{
		auto_free char *at = str_printf(".%s", key);
		const char *context = json_is_string(child) ? json_string_value(child) : "";

		if (str_starts(context, "docker-image://"))
			check_image(c, at, context + strlen("docker-image://"));
		else if (!check_word("service:*|target:*", context))
			judge_context(c, at, context);
	}
}

/* An image name, or "type=…,…" of a kind that stays away from the host's files. These are fields of CSV: the last type
 * counts, and quotes could hide one. */
static bool
is_harmless_cache(const char *cache)
{
	return strchr(cache, '=') == NULL ||
	       (check_word("type=registry|type=registry,*|type=inline|type=inline,*", cache) &&
		   strpbrk(cache, "\" \t\r\n") == NULL && strcasestr(cache + 1, "type=") == NULL);
}

void
check_build_cache(struct check *c, const json_t *value)
{
	json_t *child;
	size_t i;

	if (!json_is_array(value))
		check_fail(c, NULL, NULL, "%s must be a list", c->row->name);
	json_array_foreach(value, i, child)
	{
		auto_free char *at = str_printf("[%zu]", i);

		if (!json_is_string(child) || !is_harmless_cache(json_string_value(child)))
			check_fail(c, at, "use type=registry or an image name", "this build cache is not allowed");
	}
}

struct nested {
	struct check *c;
	struct strv writable;
};

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The engine follows the name again at each start of a container, as root. A container that has a directory above it,
 * writable, puts a symbolic link to any file of the host there and waits for a restart. What lies in the service's own
 * directories is pinned (compose/pins.h) and safe from that; what the administrator allows besides is not. */
static void
judge_nested(const struct ref *ref, void *arg)
{
	const struct nested *n = arg;
	auto_free char *above = str_dup(ref->path);
	char *slash;

	/* One sentence a path is enough. */
	for (size_t i = 0; i < n->c->out->n; i++) {
		if (str_eq(n->c->out->v[i].path, ref->where))
			return;
	}
	/* Longer than PATH_MAX the engine cannot mount it anyway. */
	if (!ref->mounted || is_allowed_place(n->c, ref->path, PLACE_LIVE | PLACE_DATA) || strlen(above) >= PATH_MAX ||
	    n->writable.n == 0)
		return;
	while ((slash = strrchr(above, '/')) != NULL && slash != above) {
		*slash = '\0';
		if (bsearch(&above, n->writable.v, n->writable.n, sizeof(*n->writable.v), compare_strings) == NULL)
			continue;
		violations_add(n->c->out, str_dup(ref->where),
		    str_printf("the path %.300s lies in %.300s, which a container of this file can write to", ref->path,
			above),
		    str_dup("add read_only: true to the mount of the directory above, or mount only that one"));
		return;
	}
}

void
check_nested(struct check *c)
{
	struct nested n = {.c = c};
	struct err err = ERR_INIT;

	if (refs_writable(c->model, &n.writable, &err) < 0)
		check_fail(c, "services", "write fewer and plain paths", "%s", err.msg);
	refs_each(c->model, judge_nested, &n);
	strv_done(&n.writable);
}
