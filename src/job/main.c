#include "job/job.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"

enum {
	NEED_SERVICE = 1 << 0,
	NEED_LIVE = 1 << 1,
	NEED_STAGE = 1 << 2,
	NEED_REPO = 1 << 3,
	NEED_DATADIR = 1 << 4,
	NEED_URL = 1 << 5,
	NEED_BRANCH = 1 << 6,
	NEED_COMPOSE = 1 << 7,
	NEED_IMPORT = 1 << 8,
	NEED_PUSH = 1 << 9,
	NEED_OBJECTS = 1 << 10,
	HAS_WORDS = 1 << 11, /* operands are no object names: the verb looks at them itself */
};

struct variable {
	const char *name;
	size_t offset; /* of its pointer in struct job */
	unsigned need; /* its NEED_ bit, 0: never needed */
	bool is_path;  /* must be a clean absolute path */
};

static const struct variable variables[] = {
    {"PGO_SERVICE", offsetof(struct job, service), NEED_SERVICE, false},
    {"PGO_LIVE", offsetof(struct job, live), NEED_LIVE, true},
    {"PGO_STAGE", offsetof(struct job, stage), NEED_STAGE, true},
    {"PGO_REPO", offsetof(struct job, repo), NEED_REPO, true},
    {"PGO_DATADIR", offsetof(struct job, datadir), NEED_DATADIR, true},
    {"PGO_URL", offsetof(struct job, url), NEED_URL, false},
    {"PGO_BRANCH", offsetof(struct job, branch), NEED_BRANCH, false},
    {"PGO_SSH_KEY", offsetof(struct job, ssh_key), 0, true},
    {"PGO_AUTH", offsetof(struct job, auth), 0, false},
    {"PGO_COMPOSE", offsetof(struct job, compose), NEED_COMPOSE, true},
    {"PGO_COMPOSE_FILE", offsetof(struct job, compose_file), 0, false},
    {"PGO_APP", offsetof(struct job, app), 0, false},
    {"PGO_DIRECTIVES", offsetof(struct job, directives), 0, false},
    {"PGO_STATIC_IMAGE", offsetof(struct job, static_image), 0, false},
    {"PGO_IMPORT", offsetof(struct job, import), NEED_IMPORT, false},
    {"PGO_SIGNED", offsetof(struct job, signed_only), 0, false},
    {"PGO_REWIND", offsetof(struct job, rewind), 0, false},
    {"PGO_HOOKS", offsetof(struct job, hooks), NEED_PUSH, true},
    {"PGO_MAX_BYTES", offsetof(struct job, max_bytes), NEED_PUSH, false},
    {"PGO_MAX_OBJECTS", offsetof(struct job, max_objects), NEED_OBJECTS, false},
};

struct verb {
	const char *name;
	const char *operand; /* what stands in the help for its operands; NULL: none */
	int least, most;     /* operands */
	unsigned needs;
	int (*run)(const struct job *job, char *const *operands, struct err *err);
	const char *help;
};

static const struct verb verbs[] = {
    {"ls-remote", NULL, 0, 0, NEED_URL | NEED_BRANCH, verb_ls_remote, "print the branch's newest commit"},
    {"fetch", "[LIVE [KEEP]...]", 0, JOB_COMMITS_MAX, NEED_URL | NEED_BRANCH | NEED_REPO, verb_fetch,
	"fetch the branch's newest commit and print it"},
    {"export", "OID [HAVE]...", 1, JOB_COMMITS_MAX, NEED_REPO, verb_export, "print a commit as a pack"},
    {"import", "OID", 1, 1, NEED_REPO | NEED_LIVE, verb_import, "take a commit from a pack, and print it"},
    {"verify", "OID [DEPLOYED]", 1, 2, NEED_URL | NEED_BRANCH | NEED_REPO, verb_verify,
	"tell whether a commit may be followed"},
    {"stage", "OID", 1, 1, NEED_REPO | NEED_STAGE | NEED_LIVE, verb_stage, "make the stage hold the tree of a commit"},
    {"keys", "OID", 1, 1, NEED_REPO, verb_keys, "print the lines of ssh/*.pub of a commit"},
    {"resolve", NULL, 0, 0, NEED_SERVICE | NEED_LIVE | NEED_COMPOSE, verb_resolve,
	"print the compose file as one document"},
    {"inputs", "OID", 1, 1, NEED_REPO | NEED_LIVE | NEED_DATADIR, verb_inputs, "tell what a commit has at paths"},
    {"checkout", "OID [KEEP]...", 1, JOB_COMMITS_MAX, NEED_REPO | NEED_STAGE | NEED_LIVE, verb_checkout,
	"bring the live tree to a commit; keep only these at hand"},
    {"submodules", "OID", 1, 1, NEED_REPO, verb_submodules, "fetch what a pushed commit names as submodules"},
    {"accept", NULL, 0, 0, NEED_REPO, verb_accept, "move the refs of a push"},
    {"mkdirs", NULL, 0, 0, NEED_LIVE | NEED_DATADIR, verb_mkdirs, "make missing directories"},
    {"probe", "ADDRESS PORT MS [PATH]", 3, 4, HAS_WORDS, verb_probe,
	"wait until a port is open, or a page is answered well"},
    {"routes", NULL, 0, 0, NEED_REPO | NEED_STAGE | NEED_LIVE | NEED_IMPORT, verb_routes, "write a proxy's routes"},
    {"routes-try", NULL, 0, 0, NEED_REPO | NEED_STAGE | NEED_LIVE | NEED_IMPORT, verb_routes_try,
	"write them beside those that are there, and print these"},
    {"receive-pack", NULL, 0, 0, NEED_REPO | NEED_PUSH | NEED_OBJECTS, verb_receive_pack,
	"be git's receive-pack on the app's repository"},
    {"upload-pack", NULL, 0, 0, NEED_REPO, verb_upload_pack, "be git's upload-pack on it"},
    {"upload-archive", NULL, 0, 0, NEED_REPO, verb_upload_archive, "be git's upload-archive on it"},
    {"pre-receive", NULL, 0, 0, NEED_REPO | NEED_OBJECTS, verb_pre_receive,
	"git's hook: ask core whether refs may change"},
    {"proc-receive", NULL, 0, 0, NEED_REPO, verb_proc_receive, "git's hook: have core deploy what was pushed"},
};

static int
usage(void)
{
	fputs("usage: pgod-job verb [operand]...\n", stderr);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		fprintf(stderr, "  %-10s %-14s %s\n", verbs[i].name, verbs[i].operand ? verbs[i].operand : "",
		    verbs[i].help);
	return JOB_USAGE;
}

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_eq(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

/* Takes PGO_* from the environment; what the verb needs must be there and look right. */
static int
load_environment(const struct verb *verb, struct job *ret_job, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const struct variable *var = &variables[i];
		const char *value = getenv(var->name);

		if (!value || !*value) {
			if (verb->needs & var->need)
				return err_set(err, EINVAL, "%s is not set", var->name);
			continue;
		}
		if (var->is_path && (verb->needs & var->need) && !path_is_clean(value))
			return err_set(err, EINVAL, "%s is not a clean absolute path: %s", var->name, value);
		*(const char **)((char *)ret_job + var->offset) = value;
	}
	if (ret_job->service && !str_is_service_name(ret_job->service))
		return err_set(err, EINVAL, "PGO_SERVICE is not a service name: %s", ret_job->service);
	return 0;
}

/* git runs its hooks by their names and without arguments: links to this program in the directory of hooks. */
static const struct verb *
find_hook(int argc, char **argv)
{
	const char *slash = argc < 1 ? NULL : strrchr(argv[0], '/');

	return slash == NULL ? NULL : find_verb(slash + 1);
}

int
main(int argc, char **argv)
{
	const struct verb *verb = argc < 2 ? find_hook(argc, argv) : find_verb(argv[1]);
	struct err err = ERR_INIT;
	struct job job = {0};
	int noperands = argc < 2 ? 0 : argc - 2;
	int r;

	log_init("pgod-job", false);
	if (!verb || noperands > verb->most || noperands < verb->least)
		return usage();
	for (int i = 2; i < argc && (verb->needs & HAS_WORDS) == 0; i++) {
		if (!str_is_oid(argv[i])) {
			job_say("%s is not an object name", argv[i]);
			return JOB_USAGE;
		}
	}
	umask(022);
	if (load_environment(verb, &job, &err) < 0) {
		job_say("%s", err.msg);
		return JOB_USAGE;
	}
	r = verb->run(&job, argv + argc - noperands, &err);
	if (r < 0) {
		job_say("%s", err.msg);
		return JOB_FAILED;
	}
	if (fflush(stdout) != 0) {
		job_say("cannot write the answer: %s", strerror(errno));
		return JOB_FAILED;
	}
	return r;
}
