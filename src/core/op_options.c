/* The options of operations, compose's among them: what is passed on, what happens anyway, and what is refused, with
 * what to do instead. What has no row is refused as well. */
#include "core/op.h"

#define IN_BACKGROUND "the containers run in the background: `logs -f` follows them"
#define AS_IT_SAYS "the compose file says how containers are replaced: x-pgo: update"

/* Those of compose's that are what happens anyway are taken; of the others each has its reason. */
const struct op_option op_up_options[] = {
    {"-d --detach", false, NULL},
    {"-q --quiet", false, NULL},
    {"--plan", true, NULL},
    {"--remove-orphans", false, NULL},
    {"--wait", false, NULL},
    {"--quiet-pull", false, NULL},
    {"--build", false, "what has changed is built without being asked"},
    {"--no-build", false, "a release has all of its images before anything is touched"},
    {"--pull", true, "ask for newer images with `pull`; what is missing is pulled anyway"},
    {"--force-recreate", false, "`restart` starts the containers anew, and a change makes them anew"},
    {"--no-recreate", false, AS_IT_SAYS},
    {"--always-recreate-deps", false, AS_IT_SAYS},
    {"--no-deps", false, "what a service depends on comes up with it"},
    {"--no-start", false, "`stop` keeps containers down"},
    {"--scale", true, "the compose file says how many: scale, or deploy.replicas"},
    {"-t --timeout", true, "the compose file says how long a container has: stop_grace_period"},
    {"--wait-timeout", true, "pgo.toml says how long containers may take: health_timeout"},
    {"-V --renew-anon-volumes", false, "volumes hold data, and pgo deletes none"},
    {"--dry-run", false, "`plan` tells what would happen"},
    {"--abort-on-container-exit", false, IN_BACKGROUND},
    {"--exit-code-from", true, IN_BACKGROUND},
    {"--attach", true, IN_BACKGROUND},
    {"--attach-dependencies", false, IN_BACKGROUND},
    {"--no-attach", true, IN_BACKGROUND},
    {"--timestamps", false, IN_BACKGROUND},
    {"--no-log-prefix", false, IN_BACKGROUND},
    {"--no-color", false, IN_BACKGROUND},
    {"-w --watch", false, "push a commit: it is deployed"},
    {NULL, false, NULL},
};
const struct op_option op_run_options[] = {
    {"-T --no-TTY", false, NULL},
    {"-e --env", true, NULL},
    {"-w --workdir", true, NULL},
    {"-i --interactive", false, NULL},
    {"-t --tty", false, NULL},
    {"--rm", false, NULL},
    {"--no-deps", false, NULL},
    {"-d --detach", false, "the container goes with you"},
    {"-p --publish", true, "another service's visitors could come there"},
    {"-P --service-ports", false, "the containers that run have the ports"},
    {"-v --volume", true, "the compose file says what is mounted"},
    {"-u --user", true, "commands run as the image's own user"},
    {"-l --label", true, "labels are the compose file's"},
    {"--name", true, "the name says whose it is"},
    {"--cap-add", true, "it has the rights of the compose file"},
    {"--cap-drop", true, "it has the rights of the compose file"},
    {"--entrypoint", true, "the compose file says it"},
    {"--use-aliases", false, "visitors would be led there"},
    {"--build", false, "it is the release that runs"},
    {NULL, false, NULL},
};
const struct op_option op_config_options[] = {
    {"--show", false, NULL},
    {"--json", false, NULL},
    {"--format", true, NULL},
    {NULL, false, NULL},
};
const struct op_option op_json_options[] = {
    {"--json", false, NULL},
    {NULL, false, NULL},
};
const struct op_option op_history_options[] = {
    {"-n --tail", true, NULL},
    {"--json", false, NULL},
    {NULL, false, NULL},
};
const struct op_option op_deploy_key_options[] = {
    {"--new", false, NULL},
    {"--json", false, NULL},
    {NULL, false, NULL},
};
const struct op_option op_timeout_options[] = {
    {"-t --timeout", true, NULL},
    {NULL, false, NULL},
};
const struct op_option op_restart_options[] = {
    {"-t --timeout", true, NULL},
    {"--no-deps", false, NULL},
    {NULL, false, NULL},
};
const struct op_option op_down_options[] = {
    {"-t --timeout", true, NULL},
    {"--remove-orphans", false, NULL},
    {"-v --volumes", false, "volumes hold data, and pgo deletes none; ask the administrator"},
    {"--rmi", true, "images of earlier releases are needed to go back"},
    {NULL, false, NULL},
};
const struct op_option op_pull_options[] = {
    {"-q --quiet", false, NULL},
    {"--ignore-buildable", false, NULL},
    {"--include-deps", false, "name them as well, or nothing: then all are asked for"},
    {"--ignore-pull-failures", false, "a release has all of its images, or is not deployed"},
    {"--policy", true, "the compose file says it: pull_policy"},
    {"--dry-run", false, "`plan` tells what would happen"},
    {NULL, false, NULL},
};
const struct op_option op_logs_options[] = {
    {"-f --follow", false, NULL},
    {"-n --tail", true, NULL},
    {"-t --timestamps", false, NULL},
    {"--since", true, NULL},
    {"--until", true, NULL},
    {"--no-color", false, NULL},
    {"--no-log-prefix", false, NULL},
    {"--index", true, NULL},
    {NULL, false, NULL},
};
const struct op_option op_journal_options[] = {
    {"-f --follow", false, NULL},
    {"-n --tail", true, NULL},
    {"--since", true, NULL},
    {"--json", false, NULL},
    {NULL, false, NULL},
};
const struct op_option op_exec_options[] = {
    {"-T --no-TTY", false, NULL},
    {"-d --detach", false, NULL},
    {"-e --env", true, NULL},
    {"-w --workdir", true, NULL},
    {"--index", true, NULL},
    {"-i --interactive", false, NULL},
    {"-t --tty", false, NULL},
    {"--privileged", false, "it would make the command root on the server"},
    {"-u --user", true, "commands run as the image's own user"},
    {NULL, false, NULL},
};
const struct op_option op_upload_key_options[] = {
    {"--apps", true, NULL},
    {"--json", false, NULL},
    {NULL, false, NULL},
};
