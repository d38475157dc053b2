#include "core/commands.h"

#include "base/auto.h"
#include "base/str.h"

static const struct command table[] = {
    {"ls-remote", "git", "ls-remote"},
    {"fetch", "git", "fetch"},
    {"export", "git", "pack-objects"},
    {"import", "git", "index-pack"},
    {"verify", "git", "verify-commit"},
    {"stage", "git", "checkout-index"},
    {"keys", "git", "cat-file"},
    {"inputs", "git", "ls-tree"},
    {"checkout", "git", "checkout"},
    {"submodules", "git", "fetch"},
    {"accept", "git", "update-ref"},
    {"mkdirs", NULL, NULL},
    {"probe", NULL, NULL},
    {"routes-try", NULL, NULL},
    {"routes", NULL, NULL},
    {"resolve", "compose", "config"},
    {"hash", "compose", "config"},
    {"pull", "compose", "pull"},
    {"build", "compose", "build"},
    {"push-image", "compose", "push"},
    {"create", "compose", "up"},
    {"up", "compose", "up"},
    {"stop", "compose", "stop"},
    {"start", "compose", "start"},
    {"restart", "compose", "restart"},
    {"down", "compose", "down"},
    {"receive-pack", "git", "receive-pack"},
    {"upload-pack", "git", "upload-pack"},
    {"upload-archive", "git", "upload-archive"},
    {"reload", "compose", "exec"},
    {"logs", "compose", "logs"},
    {"logs-colour", "compose", "logs"},
    {"exec", "compose", "exec"},
    {"run", "compose", "run"},
    {"run-terminal", "compose", "run"},
    {"exec-terminal", "compose", "exec"},
};
_Static_assert(ARRAY_LEN(table) <= COMMANDS_MAX, "a service has a counter for each row");

const struct command *
commands_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(table);
	return table;
}

static int
find_command(const struct command *c)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].cmd != NULL && str_eq(table[i].cmd, c->cmd) && str_eq(table[i].subcmd, c->subcmd))
			return (int)i;
	}
	return -1;
}

int
commands_index(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (str_eq(table[i].kind, kind))
			return table[i].cmd != NULL ? find_command(&table[i]) : -1;
	}
	return -1;
}
