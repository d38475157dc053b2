#include "compose/names.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"

enum { PASSING_ID = 12 };

void
model_names_done(struct model_names *mn)
{
	strv_done(&mn->services);
	strv_done(&mn->containers);
	strv_done(&mn->networks);
	strv_done(&mn->joined);
}

bool
model_name_is_ours(const char *project, const char *name, const char *seps)
{
	size_t len = strlen(project);

	return strncmp(name, project, len) == 0 && name[len] != '\0' && strchr(seps, name[len]) != NULL &&
	       name[len + 1] != '\0';
}

/* What follows "<project>-" in name; NULL when it begins otherwise. No copy: it is asked for every service of the host.
 */
static const char *
behind(const char *project, const char *name)
{
	size_t len = strlen(project);

	return strncmp(name, project, len) == 0 && name[len] == '-' ? name + len + 1 : NULL;
}

bool
model_is_container_of(const char *project, const char *service, const char *name)
{
	const char *rest = behind(project, name);
	const char *number = rest == NULL ? NULL : behind(service, rest);

	return number != NULL && number[0] != '\0' && number[strspn(number, "0123456789")] == '\0';
}

const char *
model_name_behind(const struct model_names *mn, const char *project, const char *service, const char *name)
{
	const char *rest = name + strspn(name, "0123456789abcdef");

	if (rest - name != PASSING_ID || *rest++ != '_' || strv_has(&mn->containers, name))
		return NULL;
	return strv_has(&mn->containers, rest) || model_is_container_of(project, service, rest) ? rest : NULL;
}

bool
model_is_image_of(const char *project, const char *service, const char *name)
{
	const char *rest = behind(project, name);

	return rest != NULL && str_eq(rest, service);
}

char *
model_real_name(const char *project, const char *key, const json_t *obj)
{
	const char *name = json_str(obj, "name");

	if (name != NULL && name[0] != '\0')
		return json_undollar(name);
	if (!json_is_unset(json_object_get(obj, "external")))
		return json_undollar(key);
	return str_printf("%s_%s", project, key);
}

static bool
add_network(struct model_names *mn, const char *project, const char *key, const json_t *network)
{
	auto_free char *name = model_real_name(project, key, network);

	if (!json_is_unset(json_object_get(network, "external")))
		return strv_add(&mn->joined, name);
	return model_name_is_ours(project, name, "_") || strv_add(&mn->networks, name);
}

int
model_names(const json_t *model, const char *project, struct model_names *ret, struct err *err)
{
	auto_model_names struct model_names mn = {0};
	const char *key;
	json_t *value;
	bool ok = true;

	json_object_foreach(json_object_get(model, "services"), key, value)
	{
		const char *container = json_str(value, "container_name");

		ok = ok && strv_add(&mn.services, key) && (container == NULL || strv_add(&mn.containers, container));
	}
	json_object_foreach(json_object_get(model, "networks"), key, value) ok =
	    ok && add_network(&mn, project, key, value);
	if (!ok)
		return err_set(err, E2BIG, "the model has more than %d names", STRV_MAX);
	*ret = mn;
	mn = (struct model_names){0};
	return 0;
}
