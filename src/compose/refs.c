/* Paths of the host that a model names. */
#include "compose/refs.h"

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "compose/json.h"
#include "compose/model.h"

#include <errno.h>
#include <string.h>

struct walk {
	void (*fn)(const struct ref *ref, void *arg);
	void *arg;
};

/* Takes the name of the place. */
static void
visit(const struct walk *w, struct ref ref, char *take_where, const char *written)
{
	auto_free char *where = take_where;
	auto_free char *plain = written == NULL ? NULL : json_undollar(written);
	auto_free char *path = plain == NULL ? NULL : path_clean(plain);

	ref.where = where;
	ref.path = path;
	if (path != NULL)
		w->fn(&ref, w->arg);
}

char *
refs_dockerfile(const json_t *build)
{
	const char *context = json_str(build, "context");
	const char *dockerfile = json_str(build, "dockerfile");
	auto_free char *joined = NULL;
	auto_free char *plain = NULL;

	if (context == NULL || context[0] != '/' || dockerfile == NULL)
		return NULL;
	joined = dockerfile[0] == '/' ? str_dup(dockerfile) : str_printf("%s/%s", context, dockerfile);
	plain = json_undollar(joined);
	return path_clean(plain);
}

static void
walk_dockerfile(const struct walk *w, const char *service, const json_t *build)
{
	auto_free char *dockerfile = refs_dockerfile(build);
	auto_free char *plain = NULL;
	auto_free char *context = NULL;
	auto_free char *where = NULL;

	if (dockerfile == NULL)
		return;
	where = str_printf("services.%s.build.dockerfile", service);
	plain = json_undollar(json_str(build, "context"));
	context = path_clean(plain);
	if (!path_is_beneath(context, dockerfile, NULL))
		w->fn(&(struct ref){.where = where, .path = dockerfile}, w->arg);
}

static void
walk_build(const struct walk *w, const char *service, const json_t *build)
{
	const json_t *contexts = json_object_get(build, "additional_contexts");
	const char *key;
	json_t *value;

	visit(w, (struct ref){0}, str_printf("services.%s.build.context", service), json_str(build, "context"));
	walk_dockerfile(w, service, build);
	json_object_foreach((json_t *)contexts, key, value) visit(w, (struct ref){0},
	    str_printf("services.%s.build.additional_contexts.%s", service, key), json_string_value(value));
}

static void
walk_mounts(const struct walk *w, const char *service, const json_t *mounts)
{
	json_t *mount;
	size_t i;

	json_array_foreach(mounts, i, mount)
	{
		bool writable = !json_is_true(json_object_get(mount, "read_only"));

		if (str_eq(json_str(mount, "type"), "bind"))
			visit(w, (struct ref){.bind = true, .writable = writable, .mounted = true},
			    str_printf("services.%s.volumes[%zu].source", service, i), json_str(mount, "source"));
	}
}

static void
walk_file(const struct walk *w, const char *section, const char *key, const json_t *value)
{
	visit(w, (struct ref){.mounted = true}, str_printf("%s.%s.file", section, key), json_str(value, "file"));
}

static void
walk_files(const struct walk *w, const json_t *model, const char *section)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(model, section), key, value) walk_file(w, section, key, value);
}

/* services.S.configs: [{"source": "name of one at the top"}] */
static void
walk_used(const struct walk *w, const json_t *model, const json_t *service, const char *section)
{
	json_t *use;
	size_t i;

	json_array_foreach(json_object_get(service, section), i, use)
	{
		const char *key = json_is_string(use) ? json_string_value(use) : json_str(use, "source");

		if (key != NULL)
			walk_file(w, section, key, json_object_get(json_object_get(model, section), key));
	}
}

void
refs_of_service(const json_t *model, const char *service, void (*fn)(const struct ref *ref, void *arg), void *arg)
{
	const json_t *def = json_object_get(json_object_get(model, "services"), service);
	const struct walk w = {fn, arg};

	walk_mounts(&w, service, json_object_get(def, "volumes"));
	walk_used(&w, model, def, "configs");
	walk_used(&w, model, def, "secrets");
}

void
refs_each(const json_t *model, void (*fn)(const struct ref *ref, void *arg), void *arg)
{
	const struct walk w = {fn, arg};
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		walk_mounts(&w, name, json_object_get(service, "volumes"));
		walk_build(&w, name, json_object_get(service, "build"));
	}
	walk_files(&w, model, "configs");
	walk_files(&w, model, "secrets");
}

struct collect {
	const char *root; /* only at or beneath it; NULL: all */
	bool binds_only;
	bool writable_only;
	bool full;
	bool control;
	struct strv paths;
};

static bool
has_control(const char *path)
{
	for (; *path != '\0'; path++) {
		if ((unsigned char)*path < ' ' || *path == 0x7f)
			return true;
	}
	return false;
}

static void
collect_ref(const struct ref *ref, void *arg)
{
	struct collect *c = arg;

	if ((c->binds_only && !ref->bind) || (c->writable_only && !ref->writable) ||
	    (c->root != NULL && !path_is_beneath(c->root, ref->path, NULL)))
		return;
	/* The job answers a line a path: a newline in one could make answers of its own. */
	if (has_control(ref->path))
		c->control = true;
	else if (!strv_add(&c->paths, ref->path))
		c->full = true;
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
sort_unique(struct strv *sv)
{
	size_t kept = 0;

	if (sv->n == 0)
		return;
	qsort(sv->v, sv->n, sizeof(*sv->v), compare_strings);
	for (size_t i = 1; i < sv->n; i++) {
		if (str_eq(sv->v[kept], sv->v[i]))
			free(sv->v[i]);
		else
			sv->v[++kept] = sv->v[i];
	}
	sv->n = kept + 1;
	sv->v[sv->n] = NULL;
}

static int
collect(const json_t *model, struct collect *c, struct strv *ret, struct err *err)
{
	refs_each(model, collect_ref, c);
	if (c->full || c->control) {
		strv_done(&c->paths);
		return c->full ? err_set(err, E2BIG, "the model names more than %d paths", STRV_MAX)
			       : err_set(err, EINVAL, "the model names a path with a control character");
	}
	sort_unique(&c->paths);
	*ret = c->paths;
	return 0;
}

int
model_inputs(const json_t *model, const char *live, struct strv *ret, struct err *err)
{
	return collect(model, &(struct collect){.root = live}, ret, err);
}

int
model_binds(const json_t *model, struct strv *ret, struct err *err)
{
	return collect(model, &(struct collect){.binds_only = true}, ret, err);
}

int
refs_writable(const json_t *model, struct strv *ret, struct err *err)
{
	return collect(model, &(struct collect){.writable_only = true}, ret, err);
}

static int
external_name(const char *key, const json_t *network, struct strv *names)
{
	const char *name = json_str(network, "name");
	auto_free char *plain = NULL;

	if (json_is_unset(json_object_get(network, "external")))
		return 0;
	plain = json_undollar(name == NULL || name[0] == '\0' ? key : name);
	return strv_has(names, plain) || strv_add(names, plain) ? 0 : -1;
}

int
model_external_networks(const json_t *model, struct strv *ret, struct err *err)
{
	auto_strv struct strv names = {0};
	const char *key;
	json_t *network;

	json_object_foreach(json_object_get(model, "networks"), key, network)
	{
		if (external_name(key, network, &names) < 0)
			return err_set(err, E2BIG, "the model names more than %d networks", STRV_MAX);
	}
	sort_unique(&names);
	*ret = names;
	names = (struct strv){0};
	return 0;
}
