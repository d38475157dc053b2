#include "conf/keys.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "conf/rules.h"

#define ROW(n, t, s, r, e, h, ...)                                                                              \
	{                                                                                                       \
		.name = (n), .type = (t), .state = (s), .rule = (r), .example = (e), .help = (h), ##__VA_ARGS__ \
	}

static const struct key keys[] = {
    [KEY_NAME] = ROW("name", KEY_STRING, KEY_NEEDED, rule_name, "name = \"web\"", "The service's name on this host."),
    [KEY_USER] =
	ROW("user", KEY_STRING, KEY_NEEDED, rule_user, "user = \"web\"", "The account that the service runs as."),
    [KEY_REPOSITORY] = ROW("repository", KEY_STRING, KEY_NEEDED, rule_repository,
	"repository = \"https://example.org/web.git\"", "Where the service's git repository is."),
    [KEY_BRANCH] = ROW(
	"branch", KEY_STRING, KEY_OPTIONAL, rule_branch, "branch = \"main\"", "The branch to follow; main without."),
    [KEY_COMPOSE] = ROW("compose", KEY_STRING, KEY_OPTIONAL, rule_compose, "compose = \"deploy/compose.yaml\"",
	"The compose file, when it has none of the usual names."),
    [KEY_ENV] =
	ROW("env", KEY_STRINGS, KEY_OPTIONAL, rule_env, "env = [ \"VAR=VALUE\" ]", "Variables for the compose file."),
    [KEY_NETWORKS] = ROW("networks", KEY_STRINGS, KEY_OPTIONAL, rule_network, "networks = [ \"reverseproxy\" ]",
	"The external networks that the service may use; all without."),
    [KEY_URLS] = ROW("urls", KEY_TABLE, KEY_OPTIONAL, rule_upstream, "urls = { \"example.org\" = \"web:8080\" }",
	"Which names lead to which port.", .entry_rule = rule_site),
    [KEY_UPDATE] = ROW("update", KEY_STRING, KEY_OPTIONAL, rule_update, "update = \"recreate\"",
	"How containers are replaced, where the compose file does not say."),
    [KEY_TIMEOUT] = ROW("timeout", KEY_DURATION, KEY_OPTIONAL, NULL, "timeout = \"10m\"",
	"How long each step of a deploy may take.", .amount = AMOUNT_TIMEOUT),
    [KEY_HEALTH_TIMEOUT] = ROW("health_timeout", KEY_DURATION, KEY_OPTIONAL, NULL, "health_timeout = \"2m\"",
	"How long containers may take to become healthy.", .amount = AMOUNT_HEALTH_TIMEOUT),
    [KEY_SETTLE] = ROW("settle", KEY_DURATION, KEY_OPTIONAL, NULL, "settle = \"2s\"",
	"How long a container without a healthcheck must run.", .amount = AMOUNT_SETTLE),
    [KEY_KEEP] = ROW("keep", KEY_COUNT, KEY_OPTIONAL, NULL, "keep = 3", "How many releases can be gone back to.",
	.amount = AMOUNT_KEEP),
    [KEY_SIGNERS] = ROW("signers", KEY_STRING, KEY_OPTIONAL, rule_signers, "signers = \"/etc/pgo/signers\"",
	"The file of those whose signature a commit needs."),
    [KEY_REWIND] = ROW("rewind", KEY_STRING, KEY_OPTIONAL, rule_rewind, "rewind = \"refuse\"",
	"Whether a force push that drops the deployed commit is followed."),
    [KEY_ALLOW] = ROW("allow", KEY_STRINGS, KEY_OPTIONAL, rule_allow, "allow = [ \"cap_add:NET_ADMIN\" ]",
	"What the policy lets this service do besides."),
    [KEY_PORTS] = ROW("ports", KEY_STRINGS, KEY_OPTIONAL, rule_ports, "ports = [ \"5005/5\" ]",
	"The ports that the service may publish; none without."),
    [KEY_CPUS] = ROW("cpus", KEY_NUMBER, KEY_OPTIONAL, NULL, "cpus = 1.5", "The most processors of a container.",
	.amount = AMOUNT_CPUS),
    [KEY_MEMORY] = ROW("memory", KEY_SIZE, KEY_OPTIONAL, NULL, "memory = \"512m\"", "The most memory of a container.",
	.amount = AMOUNT_MEMORY),
    [KEY_PIDS] = ROW("pids", KEY_COUNT, KEY_OPTIONAL, NULL, "pids = 200", "The most processes of a container.",
	.amount = AMOUNT_PIDS),
    ROW("registries", KEY_STRINGS, KEY_LATER, NULL, "registries = [ \"user:token@registry\" ]",
	"Credentials for image registries."),
    ROW("import", KEY_STRING, KEY_LATER, NULL, "import = \"Caddyfile-import\"",
	"The file to write a proxy's routes to."),
    ROW("reload", KEY_STRING, KEY_LATER, NULL, "reload = \"localhost:caddy//exec caddy caddy reload\"",
	"How to reload the proxy."),
    ROW("mount", KEY_STRING, KEY_LATER, NULL, "mount = \"nfs://server/share\"", "An NFS share for the service's data."),
    ROW("group", KEY_STRING, KEY_LATER, NULL, "group = \"web\"",
	"The group that the service runs as (of an older pgo)."),
    ROW("ignore", KEY_BOOL, KEY_LATER, NULL, "ignore = false", "Leave containers alone on a change (of an older pgo)."),
};
_Static_assert(ARRAY_LEN(keys) <= KEYS_MAX, "KEYS_MAX holds every key");

const struct key *
key_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(keys);
	return keys;
}

int
key_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcasecmp(keys[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

enum { NEAR_MAX = 2, NEAR_LEN_MAX = 24 };

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance (Levenshtein), without regard to case; both are at most NEAR_LEN_MAX long. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NEAR_LEN_MAX + 1];
	size_t blen = strlen(b);

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]) ? 0 : 1;
			size_t above = row[j];

			row[j] = min3(diagonal + same, above + 1, row[j - 1] + 1);
			diagonal = above;
		}
	}
	return row[blen];
}

const char *
key_near(const char *name)
{
	const char *best = NULL;
	size_t best_distance = NEAR_MAX + 1;

	if (strlen(name) > NEAR_LEN_MAX)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t d = distance(name, keys[i].name);

		/* Two letters off a key of three is another word. */
		if (d < best_distance && d < strlen(keys[i].name) - 1) {
			best = keys[i].name;
			best_distance = d;
		}
	}
	return best;
}

bool
key_is_amount(const struct key *key)
{
	return key->type >= KEY_DURATION;
}

const char *
key_type_text(enum key_type type)
{
	static const char *const texts[] = {[KEY_STRING] = "a string",
	    [KEY_BOOL] = "true or false",
	    [KEY_STRINGS] = "a list of strings",
	    [KEY_TABLE] = "a table of strings",
	    [KEY_DURATION] = "a duration in quotes",
	    [KEY_SIZE] = "a size in quotes",
	    [KEY_COUNT] = "a whole number",
	    [KEY_NUMBER] = "a number"};

	return texts[type];
}
