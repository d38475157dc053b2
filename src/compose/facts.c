/* What the pipeline and healing need to know of each service. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/model.h"

enum { SCALE_MAX = 1000 };

static void *
array_new(size_t n, size_t size)
{
	void *v = calloc(n == 0 ? 1 : n, size);

	if (v == NULL)
		abort();
	return v;
}

void
model_images_done(struct model_images *mi)
{
	for (size_t i = 0; i < mi->n; i++) {
		free(mi->v[i].service);
		free(mi->v[i].image);
		free(mi->v[i].written);
	}
	free(mi->v);
	*mi = (struct model_images){0};
}

static bool
is_always(const char *policy)
{
	return str_eq(policy, "always") || str_eq(policy, "daily") || str_eq(policy, "weekly") ||
	       str_starts(policy, "every_");
}

static int
fill_image(const char *name, const json_t *service, const char *project, struct model_image *im, struct err *err)
{
	const char *written = json_str(service, "image");
	const char *policy = json_str(service, "pull_policy");
	bool named = written != NULL && written[0] != '\0';

	if (policy == NULL)
		policy = "";
	im->build = json_is_object(json_object_get(service, "build"));
	if (!named && !im->build)
		return err_set(err, EINVAL, "services.%.64s: has neither an image nor a build section", name);
	im->service = str_dup(name);
	im->written = named ? json_undollar(written) : str_printf("%s-%s", project, name);
	/* What is built gets no name but ours: `image: caddy:2` beside a build section would put it under every other
	 * service. */
	im->image = im->build ? str_printf("%s-%s", project, name) : str_dup(im->written);
	im->rebuild = im->build && (str_eq(policy, "build") || is_always(policy));
	im->always = !im->build && is_always(policy);
	im->pull = !im->build && !str_eq(policy, "never");
	return 0;
}

int
model_images(const json_t *model, const char *project, struct model_images *ret, struct err *err)
{
	const json_t *services = json_object_get(model, "services");
	struct model_images mi = {0};
	auto_free const char **names = NULL;
	size_t n;
	int r;

	names = json_sorted_keys(services, &n);
	mi.v = array_new(n, sizeof(*mi.v));
	for (size_t i = 0; i < n; i++) {
		mi.n = i + 1;
		if ((r = fill_image(names[i], json_object_get(services, names[i]), project, &mi.v[i], err)) < 0) {
			model_images_done(&mi);
			return r;
		}
	}
	*ret = mi;
	return 0;
}

void
model_services_done(struct model_services *ms)
{
	for (size_t i = 0; i < ms->n; i++)
		free(ms->v[i].name);
	free(ms->v);
	*ms = (struct model_services){0};
}

struct restart_word {
	const char *word;
	enum model_restart restart;
};

static int
find_word(const struct restart_word *words, size_t n, const char *word, enum model_restart *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(words[i].word, word))
			continue;
		*ret = words[i].restart;
		return 0;
	}
	return -EINVAL;
}

/* restart: no | always | unless-stopped | on-failure[:max] */
static int
read_restart(const char *written, struct model_service *ms)
{
	static const struct restart_word words[] = {
	    {"", MODEL_RESTART_NO},
	    {"no", MODEL_RESTART_NO},
	    {"always", MODEL_RESTART_ALWAYS},
	    {"unless-stopped", MODEL_RESTART_UNLESS_STOPPED},
	    {"on-failure", MODEL_RESTART_ON_FAILURE},
	};
	int64_t max = 0;

	if (!str_starts(written, "on-failure:"))
		return find_word(words, ARRAY_LEN(words), written, &ms->restart);
	if (!str_to_int(written + strlen("on-failure:"), 0, INT_MAX, &max))
		return -EINVAL;
	ms->restart = MODEL_RESTART_ON_FAILURE;
	ms->restart_max = (int)max;
	return 0;
}

/* deploy.restart_policy, which wins over restart: when both are there (measured with compose 2.26). */
static int
read_restart_policy(const json_t *policy, struct model_service *ms)
{
	static const struct restart_word words[] = {
	    {"", MODEL_RESTART_NO},
	    {"none", MODEL_RESTART_NO},
	    {"on-failure", MODEL_RESTART_ON_FAILURE},
	    {"any", MODEL_RESTART_ALWAYS},
	    {"always", MODEL_RESTART_ALWAYS},
	    {"unless-stopped", MODEL_RESTART_UNLESS_STOPPED},
	};
	const char *condition = json_str(policy, "condition");
	json_int_t max = json_integer_value(json_object_get(policy, "max_attempts"));

	if (find_word(words, ARRAY_LEN(words), condition == NULL ? "" : condition, &ms->restart) < 0)
		return -EINVAL;
	if (ms->restart == MODEL_RESTART_ON_FAILURE && max > 0)
		ms->restart_max = max > INT_MAX ? INT_MAX : (int)max;
	return 0;
}

static int
read_scale(const json_t *service, struct model_service *ms)
{
	const json_t *scale = json_object_get(service, "scale");
	json_int_t n;

	if (scale == NULL)
		scale = json_object_get(json_object_get(service, "deploy"), "replicas");
	if (scale == NULL || json_is_null(scale)) {
		ms->scale = 1;
		return 0;
	}
	n = json_is_integer(scale) ? json_integer_value(scale) : -1;
	if (n < 0 || n > SCALE_MAX)
		return -EINVAL;
	ms->scale = (int)n;
	return 0;
}

static void
read_healthcheck(const json_t *check, struct model_service *ms)
{
	const json_t *test = json_object_get(check, "test");
	const char *first = json_string_value(json_is_array(test) ? json_array_get(test, 0) : test);

	ms->healthcheck_off =
	    json_is_true(json_object_get(check, "disable")) || str_eq(first == NULL ? "" : first, "NONE");
	ms->healthcheck = !ms->healthcheck_off && !json_is_unset(test);
}

static int
fill_service(const char *name, const json_t *service, struct model_service *ms, struct err *err)
{
	const json_t *policy = json_object_get(json_object_get(service, "deploy"), "restart_policy");
	const char *restart = json_str(service, "restart");

	ms->name = str_dup(name);
	if ((json_is_object(policy) ? read_restart_policy(policy, ms)
				    : read_restart(restart == NULL ? "" : restart, ms)) < 0)
		return err_set(err, EINVAL, "services.%.64s: the restart policy is none that compose knows", name);
	if (read_scale(service, ms) < 0)
		return err_set(err, EINVAL, "services.%.64s: the scale must be a number up to %d", name, SCALE_MAX);
	read_healthcheck(json_object_get(service, "healthcheck"), ms);
	return 0;
}

int
model_service_facts(const json_t *model, struct model_services *ret, struct err *err)
{
	const json_t *services = json_object_get(model, "services");
	struct model_services ms = {0};
	auto_free const char **names = NULL;
	size_t n;
	int r;

	names = json_sorted_keys(services, &n);
	ms.v = array_new(n, sizeof(*ms.v));
	for (size_t i = 0; i < n; i++) {
		ms.n = i + 1;
		if ((r = fill_service(names[i], json_object_get(services, names[i]), &ms.v[i], err)) < 0) {
			model_services_done(&ms);
			return r;
		}
	}
	*ret = ms;
	return 0;
}
