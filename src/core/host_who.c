/* host://who: who may do what. */
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/client.h"
#include "core/host.h"
#include "core/op.h"
#include "core/service.h"

enum {
	WHO_TEXT_MAX = 8 * 1024 * 1024,
	COMMENT_MAX = 128, /* bytes that are shown of a key's comment, and of its options */
	OPTIONS_MAX = 1024,
	KEY_COST = 400, /* bytes of a key in the answer, besides these */
	/* A repository may have a thousand keys with long comments: nobody's answer must get too long for the channel.
	 */
	ANSWER_MAX = 4 * 1024 * 1024,
};

static json_t *
key_json(const struct authkey *key)
{
	auto_buf struct buf options = BUF_INIT(OPTIONS_MAX);
	auto_buf struct buf comment = BUF_INIT(COMMENT_MAX);
	char fingerprint[KEYS_FINGERPRINT_SIZE];

	keys_fingerprint(key->blob, key->blob_len, fingerprint);
	key_limits_text(&key->limits, &options);
	buf_str_add(&comment, key->comment);
	return json_pack("{ss ss so so sb}", "type", key->type, "fingerprint", fingerprint, "comment",
	    client_text_json(buf_str(&comment)), "options", client_text_json(buf_str(&options)), "expired",
	    (int)(key->limits.until_s != 0 && io_wall_ms() / 1000 > key->limits.until_s));
}

/* The names, or null for all of them. */
static json_t *
names_json(const struct strv *names)
{
	json_t *list = names->n > 0 ? json_array() : json_null();

	for (size_t i = 0; i < names->n; i++)
		host_append(list, json_string(names->v[i]));
	return list;
}

static void
put(json_t *object, const char *name, json_t *take_value)
{
	if (take_value == NULL || json_object_set_new(object, name, take_value) != 0)
		abort();
}

/* The operators who share a service with the one who asks. */
static json_t *
operators_json_list(const struct client *c)
{
	const struct conf_operators *operators = &c->core->conf->operators;
	const struct conf_operator *asks = c->access.operator;
	json_t *list = json_array();

	for (size_t i = 0; i < operators->n; i++) {
		const struct conf_operator *o = &operators->v[i];
		bool shares = asks->names.n == 0 || o->names.n == 0;
		json_t *row;

		for (size_t k = 0; k < o->names.n && !shares; k++)
			shares = operator_has(asks, o->names.v[k]);
		if (!shares)
			continue;
		row = key_json(&o->key);
		put(row, "name", json_string(o->name));
		put(row, "services", names_json(&o->names));
		put(row, "ops", names_json(&o->ops));
		host_append(list, row);
	}
	return list;
}

/* The bytes that a key takes of the answer; at most *left are left, and none when it does not fit. */
static bool
fits(const struct authkey *key, size_t *left)
{
	size_t cost = KEY_COST + strnlen(key->comment, COMMENT_MAX) +
		      strnlen(key->limits.from != NULL ? key->limits.from : "", OPTIONS_MAX);

	if (cost > *left) {
		*left = 0;
		return false;
	}
	*left -= cost;
	return true;
}

static json_t *
service_keys_json(const struct service *svc, size_t *left)
{
	json_t *list = json_array();
	json_t *problems = json_array();
	size_t n = 0;

	for (; n < svc->keys.n && fits(&svc->keys.v[n].auth, left); n++) {
		const struct key *key = &svc->keys.v[n];
		json_t *row = key_json(&key->auth);
		auto_free char *place = str_printf("ssh/%s:%d", key->file, key->line);

		put(row, "place", client_text_json(place));
		host_append(list, row);
	}
	for (size_t i = 0; i < svc->keys.problems.n; i++)
		host_append(problems, client_text_json(svc->keys.problems.v[i]));
	return json_pack("{ss so sI so sI}", "name", svc->name, "keys", list, "more", (json_int_t)(svc->keys.n - n),
	    "problems", problems, "refused", (json_int_t)svc->keys.refused);
}

/* Who is connected and has asked for something that the one who asks may see. */
static json_t *
connected_json(const struct client *c)
{
	const struct client *other;
	json_t *list = json_array();

	TAILQ_FOREACH(other, &c->core->clients, entry)
	{
		bool theirs = other->svc == NULL ? c->access.operator->names.n == 0
		    : operator_has(c->access.operator, other->svc->name);

		if (other == c || !other->access.known || !theirs)
			continue;
		host_append(list, json_pack("{ss ss ss so}", "who", other->who, "peer", other->peer, "service",
				      other->svc != NULL ? other->svc->name : other->line.service, "op",
				      client_text_json(other->line.op)));
	}
	return list;
}

static const char *
text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text != NULL ? text : "";
}

static void
add_names(struct buf *out, const char *label, const json_t *names)
{
	size_t i;
	json_t *name;

	buf_printf(out, "    %s: %s", label, json_is_null(names) ? "all" : "");
	json_array_foreach(names, i, name) buf_printf(out, "%s%s", i > 0 ? ", " : "", json_string_value(name));
	buf_str_add(out, "\n");
}

static void
add_key(struct buf *out, const char *first, const json_t *row)
{
	buf_printf(out, "  %s  %s  %s  %s\n", first, text_of(row, "type"), text_of(row, "fingerprint"),
	    text_of(row, "comment"));
	if (text_of(row, "options")[0] != '\0')
		buf_printf(out, "    %s%s\n", text_of(row, "options"),
		    json_is_true(json_object_get(row, "expired")) ? " (expired)" : "");
}

static void
print_service(const json_t *service, struct buf *out)
{
	size_t i;
	json_t *row;
	long long more = json_integer_value(json_object_get(service, "refused"));

	buf_printf(out, "\nservice %s\n", text_of(service, "name"));
	json_array_foreach(json_object_get(service, "keys"), i, row) add_key(out, text_of(row, "place"), row);
	if (json_integer_value(json_object_get(service, "more")) > 0)
		buf_printf(
		    out, "  and %lld keys more\n", (long long)json_integer_value(json_object_get(service, "more")));
	else if (json_array_size(json_object_get(service, "keys")) == 0)
		buf_str_add(out, "  no keys\n");
	json_array_foreach(json_object_get(service, "problems"), i, row)
	    buf_printf(out, "  refused: %s\n", json_string_value(row));
	more -= (long long)json_array_size(json_object_get(service, "problems"));
	if (more > 0)
		buf_printf(out, "  refused: %lld more\n", more);
}

static void
print(const json_t *all, struct buf *out)
{
	size_t i;
	json_t *row;

	buf_str_add(out, "operators\n");
	json_array_foreach(json_object_get(all, "operators"), i, row)
	{
		add_key(out, text_of(row, "name"), row);
		add_names(out, "services", json_object_get(row, "services"));
		add_names(out, "operations", json_object_get(row, "ops"));
	}
	if (json_array_size(json_object_get(all, "uploaded")) > 0)
		buf_str_add(out, "\nuploaded keys\n");
	json_array_foreach(json_object_get(all, "uploaded"), i, row) host_uploaded_text(row, out);
	json_array_foreach(json_object_get(all, "services"), i, row) print_service(row, out);
	if (json_array_size(json_object_get(all, "connected")) > 0)
		buf_str_add(out, "\nconnected\n");
	json_array_foreach(json_object_get(all, "connected"), i, row) buf_printf(out, "  %s  %s  %s//%s\n",
	    text_of(row, "who"), text_of(row, "peer"), text_of(row, "service"), text_of(row, "op"));
}

void
host_who_run(struct client *c, const struct op *op, const struct strv *args)
{
	json_t *services = json_array();
	size_t left = ANSWER_MAX;
	auto_json json_t *all = NULL;
	auto_buf struct buf out = BUF_INIT(WHO_TEXT_MAX);

	(void)op;
	for (size_t i = 0; i < conf_count(c->core->conf); i++) {
		const struct service *svc = host_service(c, i);

		if (svc != NULL)
			host_append(services, service_keys_json(svc, &left));
	}
	all = json_pack("{so so so so}", "operators", operators_json_list(c), "uploaded", host_uploaded_list(c),
	    "services", services, "connected", connected_json(c));
	if (op_has(args, "--json")) {
		client_answer_json(c, 0, all);
		return;
	}
	print(all, &out);
	client_output(c, 1, buf_str(&out), out.len);
	client_exit(c, 0);
}
