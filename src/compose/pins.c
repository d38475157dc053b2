#include "compose/pins.h"

#include <errno.h>
#include <sha2.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "compose/json.h"
#include "compose/model.h"

/* At the top of the approved model: {name: source, as it was written}. */
static const char pins_key[] = "x-pgo-pins";

/* Calls fn with each place of a model that names a file or directory to mount: the object and its key. */
static int
each_mounted(json_t *model, int (*fn)(void *arg, json_t *obj, const char *key), void *arg)
{
	static const char *const sections[] = {"configs", "secrets"};
	const char *name;
	json_t *child, *mount;
	int rc = 0;
	size_t i;

	json_object_foreach(json_object_get(model, "services"), name, child)
	{
		json_array_foreach(json_object_get(child, "volumes"), i, mount)
		{
			if (rc >= 0 && str_eq(json_str(mount, "type"), "bind"))
				rc = fn(arg, mount, "source");
		}
	}
	for (i = 0; i < ARRAY_LEN(sections); i++) {
		json_object_foreach(json_object_get(model, sections[i]), name, child)
		{
			if (rc >= 0)
				rc = fn(arg, child, "file");
		}
	}
	return rc;
}

static void
set_string(json_t *obj, const char *key, const char *value)
{
	if (json_object_set_new(obj, key, json_string(value)) < 0)
		abort();
}

/* Foreign, and as long as a path may be: its digest is the name. */
static void
name_of(const char *source, char ret_name[PIN_NAME_LEN + 1])
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)source, strlen(source));
	SHA256Final(sum, &ctx);
	str_hex(sum, PIN_NAME_LEN / 2, ret_name);
}

struct pinning {
	const struct model_place *place;
	json_t *pins;
	struct err *err;
};

/* Compose reads a single "$" as the begin of a variable. */
static char *
double_dollars(const char *path)
{
	auto_buf struct buf out = BUF_INIT(MODEL_MAX);

	for (; *path != '\0'; path++)
		buf_str_add(&out, (char[]){*path, *path == '$' ? '$' : '\0', '\0'});
	return buf_take(&out);
}

static int
pin_one(void *arg, json_t *obj, const char *key)
{
	struct pinning *p = arg;
	const char *written = json_str(obj, key);
	auto_free char *plain = written == NULL ? NULL : json_undollar(written);
	auto_free char *source = plain == NULL ? NULL : path_clean(plain);
	char name[PIN_NAME_LEN + 1];
	auto_free char *pin = NULL;
	auto_free char *doubled = NULL;

	if (source == NULL ||
	    (!path_is_beneath(p->place->live, source, NULL) && !path_is_beneath(p->place->datadir, source, NULL)))
		return 0;
	name_of(source, name);
	if (json_object_get(p->pins, name) == NULL && json_object_size(p->pins) >= STRV_MAX)
		return err_set(p->err, E2BIG, "the model mounts more than %d paths", STRV_MAX);
	pin = pin_path(p->place->pins, p->place->service, name);
	doubled = double_dollars(pin);
	set_string(p->pins, name, written);
	set_string(obj, key, doubled);
	return 0;
}

int
model_pin(json_t *approved, const struct model_place *place, struct err *err)
{
	struct pinning p = {place, json_object(), err};
	int rc = each_mounted(approved, pin_one, &p);

	/* Also when it is empty: what the repository may have written there is none of ours. */
	if (json_object_set_new(approved, pins_key, p.pins) < 0)
		abort();
	return rc;
}

int
model_pins(const json_t *approved, struct pin_set *ret, struct err *err)
{
	const json_t *pins = json_object_get(approved, pins_key);
	auto_pin_set struct pin_set ps = {0};
	size_t n = 0;
	auto_free const char **names = json_sorted_keys(pins, &n);

	for (size_t i = 0; i < n; i++) {
		const char *written = json_str(pins, names[i]);
		auto_free char *plain = written == NULL ? NULL : json_undollar(written);
		auto_free char *source = plain == NULL ? NULL : path_clean(plain);

		if (source == NULL || !pin_name_ok(names[i]))
			return err_set(err, EINVAL, "the approved model has a malformed pin");
		if (!pin_set_add(&ps, names[i], source))
			return err_set(err, E2BIG, "the approved model names more than %d pins", STRV_MAX);
	}
	*ret = ps;
	ps = (struct pin_set){0};
	return 0;
}

/* "<pins>/<service>/NAME/src" to what NAME stands for. */
static int
unpin_one(void *arg, json_t *obj, const char *key)
{
	const json_t *pins = arg;
	const char *path = json_str(obj, key);
	size_t len = path == NULL ? 0 : strlen(path);
	char name[PIN_NAME_LEN + 1];
	const char *written;

	if (len < PIN_NAME_LEN + strlen("//src") || !str_ends(path, "/src"))
		return 0;
	memcpy(name, path + len - strlen("/src") - PIN_NAME_LEN, PIN_NAME_LEN);
	name[PIN_NAME_LEN] = '\0';
	written = json_str(pins, name);
	if (written != NULL)
		set_string(obj, key, written);
	return 0;
}

json_t *
model_unpin(const json_t *approved)
{
	json_t *copy = json_deep_copy(approved);

	if (copy == NULL)
		abort();
	each_mounted(copy, unpin_one, json_object_get(copy, pins_key));
	json_object_del(copy, pins_key);
	return copy;
}
