#include "compose/runline.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "compose/json.h"

enum { LINE_MAX_BYTES = 1 << 20 };

#define NAME "CONTAINER_NAME"

static void
add(struct buf *b, const char *option, const char *value)
{
	auto_free char *plain = json_undollar(value);

	buf_printf(b, "%s%s", b->len > 0 ? " " : "", option);
	buf_vis(b, plain, strlen(plain), false);
}

static void
add_port(struct buf *b, const json_t *port)
{
	const json_t *published = json_object_get(port, "published");
	const char *ip = json_str(port, "host_ip"), *protocol = json_str(port, "protocol");
	auto_free char *outside = json_is_string(published)
				      ? str_dup(json_string_value(published))
				      : str_printf("%lld", (long long)json_integer_value(published));
	auto_free char *text = str_printf("%s:%s:%lld%s%s", ip != NULL && ip[0] != '\0' ? ip : "0.0.0.0", outside,
	    (long long)json_integer_value(json_object_get(port, "target")),
	    protocol == NULL || str_eq(protocol, "tcp") ? "" : "/",
	    protocol == NULL || str_eq(protocol, "tcp") ? "" : protocol);

	add(b, "-p ", text);
}

static void
add_mount(struct buf *b, const json_t *mount)
{
	const char *source = json_str(mount, "source"), *target = json_str(mount, "target");
	auto_free char *text = NULL;

	if (source == NULL || target == NULL)
		return;
	text = str_printf("%s:%s%s", source, target, json_is_true(json_object_get(mount, "read_only")) ? ":ro" : "");
	add(b, "-v ", text);
}

/* The last one first, as octohost has them. */
static void
add_backwards(struct buf *b, const json_t *list, void (*one)(struct buf *b, const json_t *entry))
{
	for (size_t i = json_array_size(list); i-- > 0;)
		one(b, json_array_get(list, i));
}

static void
add_environment(struct buf *b, const json_t *environment)
{
	auto_free const char **names = NULL;
	const char *own = json_str(environment, NAME);
	size_t n = 0;

	if (own != NULL)
		add(b, "-e " NAME "=", own);
	names = json_sorted_keys(environment, &n);
	for (size_t i = 0; i < n; i++) {
		if (own == NULL || !str_eq(names[i], NAME))
			add(b, "-e ", names[i]);
	}
}

static void
add_words(struct buf *b, const char *option, const json_t *list)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *word = json_string_value(entry);

		if (word != NULL)
			add(b, option, str_starts(word, "container:") ? word + strlen("container:") : word);
	}
}

char *
model_runline(const json_t *model, const char *service)
{
	const json_t *def = json_object_get(json_object_get(model, "services"), service);
	const char *memory = json_str(def, "mem_limit"), *name = json_str(def, "container_name");
	const char *hostname = json_str(def, "hostname");
	struct buf b = BUF_INIT(LINE_MAX_BYTES);

	add_backwards(&b, json_object_get(def, "ports"), add_port);
	add_backwards(&b, json_object_get(def, "volumes"), add_mount);
	if (memory != NULL)
		add(&b, "--memory=", memory);
	add(&b, "-d", "");
	if (hostname != NULL)
		add(&b, "-h ", hostname);
	add_environment(&b, json_object_get(def, "environment"));
	if (name != NULL)
		add(&b, "--name ", name);
	add_words(&b, "--volumes-from ", json_object_get(def, "volumes_from"));
	add_words(&b, "--link ", json_object_get(def, "external_links"));
	return buf_take(&b);
}
