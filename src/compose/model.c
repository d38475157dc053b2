/* Reading the model, and the copy of it that runs. */
#include "compose/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/json.h"
#include "compose/pins.h"
#include "compose/web.h"

const char *
json_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

bool
json_is_unset(const json_t *value)
{
	if (value == NULL || json_is_null(value) || json_is_false(value))
		return true;
	if (json_is_string(value))
		return json_string_length(value) == 0;
	return (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

char *
json_undollar(const char *s)
{
	char *copy = str_dup(s);
	char *out = copy;

	for (; *s != '\0'; s++) {
		*out++ = *s;
		if (s[0] == '$' && s[1] == '$')
			s++;
	}
	*out = '\0';
	return copy;
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **
json_sorted_keys(const json_t *obj, size_t *ret_n)
{
	size_t n = json_object_size(obj), i = 0;
	const char **keys;
	const char *key;
	json_t *value;

	*ret_n = n;
	if (n == 0)
		return NULL;
	keys = calloc(n, sizeof(*keys));
	if (keys == NULL)
		abort();
	json_object_foreach((json_t *)obj, key, value) keys[i++] = key;
	qsort(keys, n, sizeof(*keys), compare_strings);
	return keys;
}

/* Compose doubles every "$" it prints and replaces variables again when it reads the approved model. A single one never
 * comes from compose: it is a model that would become another one after it was approved ("<live>/${X:-../../etc}"). */
static bool
dollars_are_doubled(const char *s)
{
	while ((s = strchr(s, '$')) != NULL) {
		if (s[1] != '$')
			return false;
		s += 2;
	}
	return true;
}

static int
check_value(const json_t *value, int depth, struct err *err)
{
	const char *key;
	json_t *child;
	size_t i;
	int r;

	if (depth > MODEL_DEPTH_MAX)
		return err_set(err, E2BIG, "the model is nested deeper than %d levels", MODEL_DEPTH_MAX);
	if (json_is_string(value) && !dollars_are_doubled(json_string_value(value)))
		return err_set(err, EINVAL, "the model has a variable that compose did not replace");
	json_array_foreach(value, i, child)
	{
		if ((r = check_value(child, depth + 1, err)) < 0)
			return r;
	}
	json_object_foreach((json_t *)value, key, child)
	{
		if (!dollars_are_doubled(key))
			return err_set(err, EINVAL, "the model has a variable in a key");
		if ((r = check_value(child, depth + 1, err)) < 0)
			return r;
	}
	return 0;
}

static int
check_services(const json_t *model, struct err *err)
{
	const json_t *services = json_object_get(model, "services");
	const char *name;
	json_t *service;

	if (!json_is_object(services))
		return err_set(err, EINVAL, "the model has no services");
	if (json_object_size(services) > MODEL_SERVICES_MAX)
		return err_set(err, E2BIG, "the model has more than %d services", MODEL_SERVICES_MAX);
	json_object_foreach((json_t *)services, name, service)
	{
		if (!json_is_object(service))
			return err_set(err, EINVAL, "a service of the model is not a mapping");
	}
	return 0;
}

static void
rename_key(json_t *obj, const char *from, const char *to)
{
	json_t *value = json_object_get(obj, from);

	if (value == NULL || json_object_get(obj, to) != NULL)
		return;
	if (json_object_set(obj, to, value) < 0 || json_object_del(obj, from) < 0)
		abort();
}

/* Compose up to 2.26 and beyond prints the entries of blkio_config as {"Path", "Rate"} and refuses to read that back.
 */
static void
mend_blkio(json_t *service)
{
	const char *key;
	json_t *list, *entry;
	size_t i;

	json_object_foreach(json_object_get(service, "blkio_config"), key, list)
	{
		json_array_foreach(list, i, entry)
		{
			rename_key(entry, "Path", "path");
			rename_key(entry, "Rate", "rate");
			rename_key(entry, "Weight", "weight");
		}
	}
}

/* It prints unlimited swap as "-1" and reads back only the number. */
static void
mend_memswap(json_t *service)
{
	if (str_eq(json_str(service, "memswap_limit") == NULL ? "" : json_str(service, "memswap_limit"), "-1") &&
	    json_object_set_new(service, "memswap_limit", json_integer(-1)) < 0)
		abort();
}

static bool
is_null(const char *name, const json_t *value)
{
	(void)name;
	return json_is_null(value);
}

/* As is_null, of a name that the jobs themselves have in their environment. */
static bool
is_null_of_ours(const char *name, const json_t *value)
{
	static const char *const ours[] = {"HOME", "USER", "LOGNAME", "PATH", "LANG"};
	bool is_ours = str_starts(name, "DOCKER_");

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		is_ours = is_ours || str_eq(name, ours[i]);
	return is_ours && json_is_null(value);
}

static void
drop_entries(json_t *obj, bool (*drops)(const char *name, const json_t *value))
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(obj, next, name, value)
	{
		if (drops(name, value))
			json_object_del(obj, name);
	}
}

/* A variable without a value (`environment: [NAME]`) was not set when the file was resolved, and the next compose would
 * look for it again, in its own environment. The engine takes it as "not even if the image sets it", so it stays where
 * that environment has none of the name. An argument of a build is then what the Dockerfile says. */
static void
close_environment(json_t *service)
{
	drop_entries(json_object_get(service, "environment"), is_null_of_ours);
	drop_entries(json_object_get(json_object_get(service, "build"), "args"), is_null);
}

static void
mend_services(json_t *services)
{
	const char *name;
	json_t *service;

	json_object_foreach(services, name, service)
	{
		mend_blkio(service);
		mend_memswap(service);
		close_environment(service);
	}
}

json_t *
model_parse(const char *text, size_t len, struct err *err)
{
	auto_json json_t *model = NULL;
	json_error_t where;

	if (len > MODEL_MAX) {
		err_set(err, EFBIG, "the model is larger than %d bytes", MODEL_MAX);
		return NULL;
	}
	model = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	/* Without jansson's sentence: it quotes the model, which may hold secrets. */
	if (model == NULL) {
		err_set(err, EINVAL, "compose printed no model: invalid JSON near byte %d", where.position);
		return NULL;
	}
	if (!json_is_object(model)) {
		err_set(err, EINVAL, "compose printed no model: not a mapping");
		return NULL;
	}
	if (check_value(model, 1, err) < 0 || check_services(model, err) < 0)
		return NULL;
	mend_services(json_object_get(model, "services"));
	return TAKE(model);
}

/* What JSON may have in a string as it is, and YAML may not, or folds: "\x7f" and C1 controls, the separators of lines
 * and paragraphs, the byte order mark and two that are no characters. Returns its length in UTF-8, 0 for others. */
static size_t
unfit(const char *p, unsigned *ret)
{
	const unsigned char *u = (const unsigned char *)p;

	*ret = u[0];
	if (u[0] == 0x7f)
		return 1;
	if (u[0] == 0xc2 && u[1] < 0xa0) {
		*ret = u[1];
		return 2;
	}
	if (u[0] != 0xe2 && u[0] != 0xef)
		return 0;
	*ret = (u[0] & 0x0fU) << 12 | (u[1] & 0x3fU) << 6 | (u[2] & 0x3fU);
	return *ret == 0x2028 || *ret == 0x2029 || *ret == 0xfeff || *ret >= 0xfffe ? 3 : 0;
}

/* Compose reads it as YAML. */
char *
model_dump(const json_t *model)
{
	auto_free char *text = json_dumps(model, JSON_SORT_KEYS | JSON_COMPACT);
	struct buf out = BUF_INIT(SIZE_MAX / 2);
	const char *kept = text;

	if (text == NULL)
		abort();
	for (const char *p = text; *p != '\0';) {
		unsigned c;
		size_t len = unfit(p, &c);

		if (len > 0) {
			buf_add(&out, kept, (size_t)(p - kept));
			buf_printf(&out, "\\u%04x", c);
			kept = p + len;
		}
		p += len > 0 ? len : 1;
	}
	if (kept == text)
		return TAKE(text);
	buf_str_add(&out, kept);
	return buf_take(&out);
}

static bool
is_image_id(const char *id)
{
	return id != NULL && str_starts(id, "sha256:") && strlen(id) == 7 + 64 && str_is_oid(id + 7);
}

static int
find_id(const char *service, const struct model_image_id *ids, size_t nids, const char **ret_id, struct err *err)
{
	const char *id = NULL;

	for (size_t i = 0; i < nids; i++) {
		if (!str_eq(ids[i].service, service))
			continue;
		if (id != NULL)
			return err_set(err, EINVAL, "service %.64s has two image IDs", service);
		id = ids[i].id;
	}
	if (id == NULL)
		return err_set(err, ENOENT, "service %.64s has no image ID", service);
	if (!is_image_id(id))
		return err_set(err, EINVAL, "service %.64s: %.80s is not an image ID", service, id);
	*ret_id = id;
	return 0;
}

/* mkdirs has made the sources as the account. What is missing all the same must stop the start: the engine would make
 * it as root. */
static void
fix_bind(json_t *mount)
{
	json_t *bind = json_object_get(mount, "bind");

	if (!str_eq(json_str(mount, "type"), "bind"))
		return;
	if (!json_is_object(bind)) {
		bind = json_object();
		if (bind == NULL || json_object_set_new(mount, "bind", bind) < 0)
			abort();
	}
	if (json_object_set_new(bind, "create_host_path", json_false()) < 0)
		abort();
}

static void
approve_service(json_t *service, const char *id)
{
	static const char *const gone[] = {"build", "pull_policy", "profiles", "develop"};
	json_t *mount;
	size_t i;

	for (i = 0; i < ARRAY_LEN(gone); i++)
		json_object_del(service, gone[i]);
	if (json_object_set_new(service, "image", json_string(id)) < 0)
		abort();
	json_array_foreach(json_object_get(service, "volumes"), i, mount) fix_bind(mount);
}

json_t *
model_approve(const json_t *model, const struct model_image_id *ids, size_t nids, struct err *err)
{
	auto_json json_t *copy = json_deep_copy(model);
	json_t *services, *service;
	const char *name, *id = NULL;

	if (copy == NULL)
		abort();
	services = json_object_get(copy, "services");
	for (size_t i = 0; i < nids; i++) {
		if (json_object_get(services, ids[i].service) == NULL) {
			err_set(err, EINVAL, "there is an image ID for %.64s, which is no service", ids[i].service);
			return NULL;
		}
	}
	json_object_foreach(services, name, service)
	{
		if (find_id(name, ids, nids, &id, err) < 0)
			return NULL;
		approve_service(service, id);
	}
	return TAKE(copy);
}

static void
drop_label(json_t *labels, const char *name)
{
	size_t len = strlen(name);

	if (json_is_object(labels))
		json_object_del(labels, name);
	for (size_t i = json_array_size(labels); i-- > 0;) {
		const char *label = json_string_value(json_array_get(labels, i));

		if (label != NULL && strncmp(label, name, len) == 0 && label[len] == '=')
			json_array_remove(labels, i);
	}
}

json_t *
model_to_judge(const json_t *approved)
{
	json_t *copy = model_unpin(approved);
	const char *name;
	json_t *service;

	model_leave_proxy(copy);
	json_object_foreach(json_object_get(copy, "services"), name, service)
	{
		json_object_del(service, "image");
		drop_label(json_object_get(service, "labels"), MODEL_INPUTS_LABEL);
	}
	return copy;
}
