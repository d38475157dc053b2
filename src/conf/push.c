#include "conf/push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/amounts.h"
#include "conf/conf.h"
#include "conf/fields.h"
#include "conf/mask.h"
#include "conf/rules.h"
#include "conf/settings.h"
#include "ipc/appname.h"

static void
done_secrets(struct strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		str_wipe(TAKE(sv->v[i]));
	strv_done(sv);
}

void
conf_app_free(struct conf_service *s)
{
	if (s == NULL)
		return;
	free(s->name);
	free(s->user);
	free(s->repository);
	free(s->source);
	free(s->branch);
	done_secrets(&s->registries);
	strv_done(&s->networks);
	settings_done(s);
	free(s);
}

void
push_free(struct conf_push *p)
{
	if (p == NULL)
		return;
	strv_done(&p->branches);
	free(p->domain);
	free(p->address);
	free(p->suffix);
	free(p->scheme);
	free(p->proxy_network);
	str_wipe(p->registry);
	free(p->registry_name);
	strv_done(&p->masks);
	strv_done(&p->directives);
	free(p->static_image);
	conf_app_free(p->service);
	free(p);
}

/* What all that is pushed to us has in common; the rest are zeros. */
static struct conf_service *
new_template(void)
{
	struct conf_service *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->hosted = true;
	s->made = true;
	s->remote = -1;
	s->repository = str_dup("");
	s->source = str_dup(CONF_SOURCE_HOSTED);
	s->branch = str_dup("main");
	return s;
}

static int
read_limits(json_int_t max_bytes, json_int_t max_objects, json_int_t first, json_int_t last, struct conf_push *p,
    struct err *err)
{
	if (!amount_fits(AMOUNT_PUSH_SIZE, max_bytes) || !amount_fits(AMOUNT_PUSH_OBJECTS, max_objects))
		return err_set(err, EINVAL, "\"max_bytes\" or \"max_objects\" is out of range");
	if (first < PUSH_ID_MIN || last < first || last - first >= PUSH_IDS_MAX || last >= UINT32_MAX)
		return err_set(err, EINVAL, "\"first_id\" or \"last_id\" is out of range");
	p->max_bytes = max_bytes;
	p->max_objects = max_objects;
	p->first_id = (uid_t)first;
	p->last_id = (uid_t)last;
	return 0;
}

/* What only pgod may know. */
static int
read_secrets(json_t *o, struct conf_push *p, struct err *err)
{
	int rc = field_optional(json_object_get(o, "registry"), "registry", rule_push_registry, &p->registry, err);

	return rc < 0 ? rc
		      : field_list(json_object_get(o, "registries"), "registries", rule_push_login,
			    &p->service->registries, err);
}

static int
read_texts(json_t *o, struct conf_push *p, struct err *err)
{
	int rc;

	if ((rc = field_list(json_object_get(o, "branches"), "branches", rule_branch, &p->branches, err)) < 0 ||
	    (rc = field_optional(json_object_get(o, "domain"), "domain", rule_push_host, &p->domain, err)) < 0 ||
	    (rc = field_optional(json_object_get(o, "address"), "address", rule_push_address, &p->address, err)) < 0 ||
	    (rc = field_string(
		 json_string_value(json_object_get(o, "suffix")), "suffix", rule_push_host, &p->suffix, err)) < 0 ||
	    (rc = field_string(
		 json_string_value(json_object_get(o, "scheme")), "scheme", rule_push_scheme, &p->scheme, err)) < 0 ||
	    (rc = field_optional(
		 json_object_get(o, "proxy_network"), "proxy_network", rule_network, &p->proxy_network, err)) < 0 ||
	    (rc = field_optional(json_object_get(o, "registry_name"), "registry_name", rule_push_registry_name,
		 &p->registry_name, err)) < 0 ||
	    (rc = field_list(json_object_get(o, "masks"), "masks", rule_mask, &p->masks, err)) < 0 ||
	    (rc = field_list(
		 json_object_get(o, "directives"), "directives", rule_push_directive, &p->directives, err)) < 0 ||
	    (rc = field_optional(
		 json_object_get(o, "static_image"), "static_image", rule_push_image, &p->static_image, err)) < 0)
		return rc;
	return p->branches.n > 0 ? 0 : err_set(err, EINVAL, "\"branches\" is empty");
}

static int
read_into(json_t *o, bool checked, struct conf_push *p, struct err *err)
{
	const json_t *any = NULL;
	const json_t *networks = NULL;
	json_t *settings = NULL;
	json_int_t bytes = 0;
	json_int_t objects = 0;
	json_int_t first = 0;
	json_int_t last = 0;
	int create = 0;
	int ends = 0;
	json_error_t e;
	int rc;

	if (json_unpack_ex(o, &e, JSON_STRICT,
		"{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s?o, s?o}",
		"create", &create, "delete", &ends, "branches", &any, "domain", &any, "address", &any, "suffix", &any,
		"scheme", &any, "proxy_network", &any, "max_bytes", &bytes, "max_objects", &objects, "registry_name",
		&any, "masks", &any, "directives", &any, "static_image", &any, "first_id", &first, "last_id", &last,
		"networks", &networks, "settings", &settings, "registry", &any, "registries", &any) < 0)
		return err_set(err, EINVAL, "%s", e.text);
	p->create = create != 0;
	p->ends = ends != 0;
	p->service->has_networks = !json_is_null(networks);
	if ((rc = read_texts(o, p, err)) < 0 || (rc = read_limits(bytes, objects, first, last, p, err)) < 0 ||
	    (rc = settings_read(settings, p->service, err)) < 0 || (checked && (rc = read_secrets(o, p, err)) < 0))
		return rc;
	if (!checked && (json_object_get(o, "registry") != NULL || p->address == NULL))
		return err_set(err, EINVAL, "it is not core's");
	return p->service->has_networks ? field_list(networks, "networks", rule_network, &p->service->networks, err)
					: 0;
}

int
push_read(json_t *object, bool checked, struct conf_push **ret, struct err *err)
{
	struct conf_push *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		abort();
	p->service = new_template();
	rc = read_into(object, checked, p, err);
	if (rc < 0) {
		push_free(p);
		return err_wrap(err, "\"push\"");
	}
	push_hide(p, &p->service->masks);
	*ret = p;
	return 0;
}

void
push_hide(const struct conf_push *p, struct strv *masks)
{
	for (size_t i = 0; i < p->masks.n; i++) {
		if (!strv_has(masks, p->masks.v[i]))
			strv_add(masks, p->masks.v[i]);
	}
}

json_t *
push_json(const struct conf_push *p, bool checked)
{
	json_t *o = json_pack(
	    "{s:b, s:b, s:o, s:s?, s:s?, s:s, s:s, s:s?, s:I, s:I, s:s?, s:o, s:o, s:s?, s:I, s:I, s:o?, s:o}",
	    "create", p->create, "delete", p->ends, "branches", field_strings(&p->branches), "domain", p->domain,
	    "address", p->address, "suffix", p->suffix, "scheme", p->scheme, "proxy_network", p->proxy_network,
	    "max_bytes", (json_int_t)p->max_bytes, "max_objects", (json_int_t)p->max_objects, "registry_name",
	    p->registry_name, "masks", field_strings(&p->masks), "directives", field_strings(&p->directives),
	    "static_image", p->static_image, "first_id", (json_int_t)p->first_id, "last_id", (json_int_t)p->last_id,
	    "networks", p->service->has_networks ? field_strings(&p->service->networks) : NULL, "settings",
	    settings_json(p->service));

	if (o == NULL)
		abort();
	if (checked &&
	    (json_object_set_new(o, "registry", p->registry == NULL ? json_null() : json_string(p->registry)) != 0 ||
		json_object_set_new(o, "registries", field_strings(&p->service->registries)) != 0))
		abort();
	return o;
}

static void
copy_strings(const struct strv *from, struct strv *to)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->v[i]);
}

/* Without [push]: as if it were there and empty. */
static void
defaults(struct conf_service *s)
{
	for (enum amount a = 0; a < AMOUNTS; a++)
		settings_set_amount(s, a, amount_otherwise_of_app(a));
	s->env_digest = str_dup(CONF_SOURCE_HOSTED);
}

struct conf_service *
conf_app(const struct conf_push *p, const char *name, uid_t uid)
{
	struct conf_service *s = new_template();
	char service[APPNAME_MAX + 1];

	appname_service(name, service);
	s->name = str_dup(service);
	s->user = str_printf("%u", uid);
	s->uid = uid;
	s->gid = uid;
	if (p == NULL) {
		defaults(s);
	} else {
		json_t *settings = settings_json(p->service);

		if (settings_read(settings, s, NULL) < 0)
			abort();
		json_decref(settings);
		s->has_networks = p->service->has_networks;
		copy_strings(&p->service->networks, &s->networks);
		copy_strings(&p->service->registries, &s->registries);
	}
	return s;
}
