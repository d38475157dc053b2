/* The name of the app that a branch becomes: whoever may push chooses the branch. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "core/push_branch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Either it is refused, or it is a name that an app may have, and begins as the app's own. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *branch = str_printf("%.*s", (int)size, (const char *)data);
	char name[APPNAME_MAX + 1] = "";
	struct err err = ERR_INIT;

	if (push_branch_app("shop", branch, name, &err) < 0) {
		if (name[0] != '\0' || err.msg[0] == '\0')
			abort();
	} else if (appname_check(name, &err) < 0 || !str_starts(name, "shop-") || strlen(name) != strlen(branch) + 5) {
		abort();
	}
	return 0;
}
