#include "conf/keys.h"

#include "base/auto.h"
#include "conf/rules.h"

/* Every key that may stand beneath [[services]]. */
static const struct key keys[] = {
    [KEY_NAME] =
	KEY_ROW("name", KEY_STRING, KEY_NEEDED, rule_name, "name = \"web\"", "The service's name on this host."),
    [KEY_USER] =
	KEY_ROW("user", KEY_STRING, KEY_NEEDED, rule_user, "user = \"web\"", "The account that the service runs as."),
    [KEY_REPOSITORY] = KEY_ROW("repository", KEY_STRING, KEY_OPTIONAL, rule_repository,
	"repository = \"https://example.org/web.git\"", "Where the service's git repository is."),
    [KEY_HOSTED] = KEY_ROW(
	"hosted", KEY_BOOL, KEY_OPTIONAL, NULL, "hosted = true", "In place of repository: it is pushed to this host."),
    [KEY_BRANCH] = KEY_ROW(
	"branch", KEY_STRING, KEY_OPTIONAL, rule_branch, "branch = \"main\"", "The branch to follow; main without."),
    [KEY_COMPOSE] = KEY_ROW("compose", KEY_STRING, KEY_OPTIONAL, rule_compose, "compose = \"deploy/compose.yaml\"",
	"The compose file, when it has none of the usual names."),
    [KEY_ENV] = KEY_ROW(
	"env", KEY_STRINGS, KEY_OPTIONAL, rule_env, "env = [ \"VAR=VALUE\" ]", "Variables for the compose file."),
    [KEY_REGISTRIES] = KEY_ROW("registries", KEY_STRINGS, KEY_OPTIONAL, rule_registry,
	"registries = [ \"user:token@registry\" ]", "Credentials for image registries."),
    [KEY_NETWORKS] = KEY_ROW("networks", KEY_STRINGS, KEY_OPTIONAL, rule_network, "networks = [ \"reverseproxy\" ]",
	"The external networks that the service may use; all without."),
    [KEY_URLS] = KEY_ROW("urls", KEY_TABLE, KEY_OPTIONAL, rule_upstream, "urls = { \"example.org\" = \"web:8080\" }",
	"Which names lead to which port.", .entry_rule = rule_site),
    [KEY_IMPORT] = KEY_ROW("import", KEY_STRING, KEY_OPTIONAL, rule_import, "import = \"Caddyfile-import\"",
	"The file to write a proxy's routes to."),
    [KEY_RELOAD] = KEY_ROW("reload", KEY_STRING, KEY_OPTIONAL, rule_reload,
	"reload = \"localhost:caddy//exec caddy reload --config /etc/caddy/Caddyfile\"", "How to reload the proxy."),
    [KEY_UPDATE] = KEY_ROW("update", KEY_STRING, KEY_OPTIONAL, rule_update, "update = \"recreate\"",
	"How containers are replaced, where the compose file does not say."),
    KEY_ROWS_OF_A_DEPLOY(KEY_),
    [KEY_SIGNERS] = KEY_ROW("signers", KEY_STRING, KEY_OPTIONAL, rule_signers, "signers = \"/etc/pgo/signers\"",
	"The file of those whose signature a commit needs."),
    [KEY_REWIND] = KEY_ROW("rewind", KEY_STRING, KEY_OPTIONAL, rule_rewind, "rewind = \"refuse\"",
	"Whether a force push that drops the deployed commit is followed."),
    [KEY_ALLOW] = KEY_ROW("allow", KEY_STRINGS, KEY_OPTIONAL, rule_allow, "allow = [ \"cap_add:NET_ADMIN\" ]",
	"What the policy lets this service do besides."),
    [KEY_PORTS] = KEY_ROW("ports", KEY_STRINGS, KEY_OPTIONAL, rule_ports, "ports = [ \"5005/5\" ]",
	"The ports that the service may publish; none without."),
    [KEY_MOUNT] = KEY_ROW("mount", KEY_STRING, KEY_OPTIONAL, rule_mount, "mount = \"nfs://server/export\"",
	"An NFS share for the service's data."),
    [KEY_GROUP] = KEY_ROW("group", KEY_STRING, KEY_OPTIONAL, rule_group, "group = \"web\"",
	"Of an older pgo, and not used: the account's groups count."),
    [KEY_IGNORE] = KEY_ROW("ignore", KEY_BOOL, KEY_OPTIONAL, NULL, "ignore = false",
	"Leave containers alone on a change, where the compose file does not say."),
};
_Static_assert(ARRAY_LEN(keys) <= KEYS_MAX, "KEYS_MAX holds every key");

const struct menu service_menu = {keys, ARRAY_LEN(keys)};
