#include "engine/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/str.h"

enum { FIELD_MAX = 512 }; /* bytes kept of a text that an account chose */

struct view {
	struct container **v; /* sorted by id */
	size_t n;
	size_t cap;
	uint64_t round;
	struct strv touched; /* projects to report */
	void (*changed)(void *ctx, const char *project);
	void *ctx;
};

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

static bool
from_list(struct container *c, const json_t *o)
{
	const char *status = text(o, "Status");

	if (!from_common(c, o, container_list_name(json_object_get(o, "Names")), text(o, "State")) ||
	    !from_labels(c, json_object_get(o, "Labels")))
		return false;
	c->image = text(o, "Image");
	c->image_id = text(o, "ImageID");
	c->created = json_integer_value(json_object_get(o, "Created"));
	if (has_exit_code(c->state))
		c->exit_code = container_status_exit(status);
	if (c->state == CONTAINER_RUNNING)
		c->health = container_status_health(status);
	return true;
}

static bool
from_inspect(struct container *c, const json_t *o)
{
	const json_t *state = json_object_get(o, "State");
	const json_t *config = json_object_get(o, "Config");
	const json_t *code = json_object_get(state, "ExitCode");

	if (!from_common(c, o, text(o, "Name"), text(state, "Status")) || !from_labels(c, json_object_get(config, "Labels")))
		return false;
	c->image = text(config, "Image");
	c->image_id = text(o, "Image");
	c->created = time_of(text(o, "Created"));
	if (has_exit_code(c->state) && json_is_integer(code) && json_integer_value(code) >= 0 &&
	    json_integer_value(code) <= INT32_MAX)
		c->exit_code = (int)json_integer_value(code);
	if (c->state == CONTAINER_RUNNING)
		c->health = health_of(text(json_object_get(state, "Health"), "Status"));
	return true;
}

/* Moves the text behind the struct; *at is where the next one goes. */
static const char *
pack(char **at, const char *s)
{
	size_t len = strnlen(s, FIELD_MAX);
	char *copy = *at;

	memcpy(copy, s, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

/* A copy that owns its texts, in one allocation. */
static struct container *
container_copy(const struct container *c)
{
	const char *texts[] = {c->name, c->project, c->service, c->image, c->image_id, c->config_hash};
	size_t size = sizeof(*c);
	struct container *copy;
	char *at;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		size += strnlen(texts[i], FIELD_MAX) + 1;
	if ((copy = malloc(size)) == NULL)
		abort();
	*copy = *c;
	at = (char *)(copy + 1);
	copy->name = pack(&at, c->name);
	copy->project = pack(&at, c->project);
	copy->service = pack(&at, c->service);
	copy->image = pack(&at, c->image);
	copy->image_id = pack(&at, c->image_id);
	copy->config_hash = pack(&at, c->config_hash);
	return copy;
}

/* Nothing that anyone acts on differs. The image's name does not count: list and inspect differ about it once a tag has moved. */
static bool
same(const struct container *a, const struct container *b)
{
	return a->state == b->state && a->health == b->health && a->exit_code == b->exit_code && a->number == b->number &&
	    a->oneoff == b->oneoff && str_eq(a->name, b->name) && str_eq(a->project, b->project) &&
	    str_eq(a->service, b->service) && str_eq(a->image_id, b->image_id) && str_eq(a->config_hash, b->config_hash);
}

/* Where the id is, or would have to go. */
static size_t
position(const struct view *v, const char *id, bool *ret_found)
{
	size_t low = 0;
	size_t high = v->n;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int d = strcmp(v->v[middle]->id, id);

		if (d == 0) {
			*ret_found = true;
			return middle;
		}
		if (d < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
touch(struct view *v, const char *project)
{
	if (!strv_has(&v->touched, project))
		(void)strv_add(&v->touched, project);
}

static void
report(struct view *v)
{
	auto_strv struct strv touched = v->touched;

	v->touched = (struct strv){NULL, 0};
	for (size_t i = 0; i < touched.n; i++)
		v->changed(v->ctx, touched.v[i]);
}

static void
insert(struct view *v, size_t at, struct container *take_c)
{
	if (v->n == v->cap) {
		size_t cap = v->cap == 0 ? 16 : v->cap * 2;
		struct container **grown = reallocarray(v->v, cap, sizeof(*grown));

		if (grown == NULL)
			abort();
		v->v = grown;
		v->cap = cap;
	}
	memmove(v->v + at + 1, v->v + at, (v->n - at) * sizeof(*v->v));
	v->v[at] = take_c;
	v->n++;
}

/* c borrows its texts. */
static void
put(struct view *v, const struct container *c)
{
	auto_free struct container *copy = container_copy(c);
	bool found;
	size_t at = position(v, c->id, &found);

	copy->seen = v->round;
	if (found) {
		if (same(v->v[at], copy)) {
			v->v[at]->seen = v->round;
			return;
		}
		touch(v, v->v[at]->project);
		copy->deaths = v->v[at]->deaths;
		free(v->v[at]);
		v->v[at] = copy;
	} else if (v->n < VIEW_MAX) {
		insert(v, at, copy);
	} else {
		log_warn("more than %d containers of compose projects: %.12s is left out", VIEW_MAX, c->id);
		return;
	}
	touch(v, copy->project);
	copy = NULL;
}

struct view *
view_new(void (*changed)(void *ctx, const char *project), void *ctx)
{
	struct view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		abort();
	v->changed = changed;
	v->ctx = ctx;
	return v;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i]);
	free(v->v);
	strv_done(&v->touched);
	free(v);
}

void
view_list_begin(struct view *v)
{
	v->round++;
}

void
view_list_item(struct view *v, const json_t *item)
{
	struct container c = {.id = ""};

	if (from_list(&c, item))
		put(v, &c);
}

void
view_list_end(struct view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i]->seen == v->round) {
			v->v[kept++] = v->v[i];
			continue;
		}
		touch(v, v->v[i]->project);
		free(v->v[i]);
	}
	v->n = kept;
	report(v);
}

void
view_inspect(struct view *v, const json_t *inspect)
{
	struct container c = {.id = ""};

	if (from_inspect(&c, inspect))
		put(v, &c);
	report(v);
}

void
view_died(struct view *v, const char *id)
{
	bool found;
	size_t at = position(v, id, &found);

	if (!found)
		return;
	v->v[at]->deaths++;
	touch(v, v->v[at]->project);
	report(v);
}

void
view_remove(struct view *v, const char *id)
{
	bool found;
	size_t at = position(v, id, &found);

	if (!found)
		return;
	touch(v, v->v[at]->project);
	free(v->v[at]);
	memmove(v->v + at, v->v + at + 1, (v->n - at - 1) * sizeof(*v->v));
	v->n--;
	report(v);
}

const struct container *
view_find(const struct view *v, const char *id)
{
	bool found;
	size_t at = position(v, id, &found);

	return found ? v->v[at] : NULL;
}

size_t
view_count(const struct view *v)
{
	return v->n;
}

static int
by_service(const void *a, const void *b)
{
	const struct container *x = *(struct container *const *)a;
	const struct container *y = *(struct container *const *)b;
	int d = strcmp(x->project, y->project);

	if (d == 0)
		d = strcmp(x->service, y->service);
	if (d == 0)
		d = (x->number > y->number) - (x->number < y->number);
	if (d == 0)
		d = strcmp(x->name, y->name);
	return d != 0 ? d : strcmp(x->id, y->id);
}

void
view_each(const struct view *v, const char *project, bool (*cb)(void *ctx, const struct container *c), void *ctx)
{
	auto_free const struct container **found = NULL;
	size_t n = 0;

	if (v->n == 0)
		return;
	if ((found = reallocarray(NULL, v->n, sizeof(*found))) == NULL)
		abort();
	for (size_t i = 0; i < v->n; i++) {
		if (project == NULL || str_eq(v->v[i]->project, project))
			found[n++] = v->v[i];
	}
	qsort(found, n, sizeof(*found), by_service);
	for (size_t i = 0; i < n && cb(ctx, found[i]); i++)
		;
}
