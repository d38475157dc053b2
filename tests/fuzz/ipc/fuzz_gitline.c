/* What a client sends as its exec string, when it says that it is git. What parses is a name that can stand in a path,
 * and the line as git would write it parses to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "ipc/gitline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check(const struct gitline *g)
{
	static const char *const commands[] = {"git-receive-pack", "git-upload-pack", "git-upload-archive"};
	auto_free char *line = str_printf("%s '/%s.git'", commands[g->verb], g->name);
	struct gitline again;

	must(str_is_service_name(g->service));
	must(strspn(g->name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(g->name) && g->name[0] != '.');
	must(strstr(g->name, "..") == NULL && !str_ends(g->name, ".git"));
	must(gitline_parse(line, strlen(line), &again, NULL) == 1);
	must(again.verb == g->verb && str_eq(again.name, g->name) && str_eq(again.service, g->service));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gitline g;
	struct err err = ERR_INIT;
	int r = gitline_parse((const char *)data, size, &g, &err);

	must(r == 1 || (r == 0 && err.num == 0) || (r == -err.num && err.msg[0] != '\0'));
	if (r == 1)
		check(&g);
	return 0;
}
