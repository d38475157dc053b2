/* pgod: reads its configuration, binds, starts core, and from then on accepts, spawns, kills and reaps. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "supervisor/config.h"
#include "supervisor/deploykey.h"
#include "supervisor/facts.h"
#include "supervisor/kept.h"
#include "supervisor/options.h"
#include "supervisor/pgod.h"
#include "supervisor/role.h"

enum { EXIT_USAGE = 2, USAGE_MAX = 16 * 1024 };

static int
print_usage(void)
{
	auto_buf struct buf b = BUF_INIT(USAGE_MAX);

	options_usage(&b);
	return fputs(buf_str(&b), stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* For a person at a terminal; what stands in it is the file's. */
static void
tell(const char *kind, const char *sentence)
{
	auto_buf struct buf b = BUF_INIT(USAGE_MAX);

	buf_vis(&b, sentence, strlen(sentence), false);
	fprintf(stderr, "%s%s\n", kind, buf_str(&b));
}

static int
check(const struct options *o)
{
	auto_config struct config c = CONFIG_INIT;
	struct err err = ERR_INIT;
	int rc = config_load(o->config, facts_libexec(), &c, &err);

	for (size_t i = 0; i < c.warnings.n; i++)
		tell("warning: ", c.warnings.v[i]);
	if (rc == 0)
		return EXIT_SUCCESS;
	if (c.problems.n == 0)
		fprintf(stderr, "pgod: %s\n", err.msg);
	for (size_t i = 0; i < c.problems.n; i++)
		tell("", c.problems.v[i]);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	auto_options struct options o = {0};
	struct kept kept = {0};
	struct err err = ERR_INIT;

	if (kept_take(&kept, ROLE_FD_FIRST + ROLE_FD_MAX, &err) < 0 || role_reserve_fds(&err) < 0) {
		fprintf(stderr, "pgod: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	if (options_parse(argc, argv, &o, &err) < 0) {
		fprintf(stderr, "pgod: %s\nTry pgod --help.\n", err.msg);
		return EXIT_USAGE;
	}
	if (o.help)
		return print_usage();
	if (o.version) {
		puts(PGO_VERSION);
		return fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	log_init("pgod", o.debug);
	if (o.deploy_key != NULL)
		return deploykey_print(o.dir, o.deploy_key);
	return o.check ? check(&o) : pgod_run(&o, &kept);
}
