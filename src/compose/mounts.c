#include "compose/mounts.h"

#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "compose/json.h"

char *
model_path_in(const json_t *model, const char *service, const char *file, bool *ret_itself)
{
	const json_t *one = json_object_get(json_object_get(model, "services"), service);
	auto_free char *found = NULL;
	size_t found_len = 0;
	size_t i;
	const json_t *mount;

	json_array_foreach(json_object_get(one, "volumes"), i, mount)
	{
		const char *target = json_str(mount, "target");
		const char *rest = NULL;
		const char *written = json_str(mount, "source");
		auto_free char *source = json_undollar(written != NULL ? written : "");

		if (!str_eq(json_str(mount, "type"), "bind") || target == NULL ||
		    !path_is_beneath(source, file, &rest) || strlen(source) < found_len)
			continue;
		free(found);
		found_len = strlen(source);
		*ret_itself = rest[0] == '\0';
		found = rest[0] == '\0' ? json_undollar(target) : str_printf("%s/%s", target, rest);
	}
	return TAKE(found);
}
