#include "ipc/opname.h"

#include "base/auto.h"
#include "base/str.h"

static const char *const names[] = {
    "up",
    "down",
    "stop",
    "start",
    "restart",
    "ps",
    "pull",
    "logs",
    "journal",
    "exec",
    "run",
    "config",
    "domains",
    "tags",
    "links",
    "scale",
    "load",
    "plan",
    "history",
    "deploys",
    "rollback",
    "cancel",
    "hold",
    "release",
    "sync",
    "deploy-key",
    "git",
    "push",
    "fetch",
    "ping",
    "status",
    "help",
    "host://services",
    "host://status",
    "host://who",
    "host://config",
    "host://apps",
    "host://upload-key",
    "host://keys",
    "host://help",
};

const char *const *
opname_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(names);
	return names;
}

bool
opname_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(names[i], name))
			return true;
	}
	return false;
}
