#include "conf/proxy_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/proxy.h"
#include "conf/tree.h"

static const struct key keys[] = {
    [PROXY_KEY_TYPE] =
	KEY_ROW("type", KEY_STRING, KEY_NEEDED, rule_proxy_type, "type = \"nginx\"", "Which proxy it is."),
    [PROXY_KEY_FILE] = KEY_ROW("file", KEY_STRING, KEY_NEEDED, rule_proxy_file, "file = \"/etc/nginx/conf.d/pgo.conf\"",
	"The file that pgod writes the routes to."),
    [PROXY_KEY_TEST] = KEY_ROW("test", KEY_STRINGS, KEY_OPTIONAL, rule_proxy_arg, "test = [ \"nginx\", \"-t\" ]",
	"The command that tests the proxy's configuration."),
    [PROXY_KEY_RELOAD] = KEY_ROW("reload", KEY_STRINGS, KEY_OPTIONAL, rule_proxy_arg,
	"reload = [ \"nginx\", \"-s\", \"reload\" ]", "The command that makes the proxy read it again."),
    [PROXY_KEY_LISTEN] = KEY_ROW("listen", KEY_STRINGS, KEY_OPTIONAL, rule_proxy_listen,
	"listen = [ \"0.0.0.0\", \"::\" ]", "The addresses that nginx listens on."),
    [PROXY_KEY_CERTIFICATE] = KEY_ROW("certificate", KEY_STRING, KEY_OPTIONAL, rule_proxy_certificate,
	"certificate = \"/etc/letsencrypt/live/{host}/fullchain.pem\"", "Where nginx finds a site's certificate."),
    [PROXY_KEY_CERTIFICATE_KEY] = KEY_ROW("certificate_key", KEY_STRING, KEY_OPTIONAL, rule_proxy_certificate,
	"certificate_key = \"/etc/letsencrypt/live/{host}/privkey.pem\"", "Where nginx finds the certificate's key."),
    [PROXY_KEY_CHALLENGES] = KEY_ROW("challenges", KEY_STRING, KEY_OPTIONAL, rule_proxy_challenges,
	"challenges = \"/var/www/acme\"", "The directory in which an ACME client leaves its answers."),
};

const struct menu proxy_menu = {keys, ARRAY_LEN(keys)};

static bool
is_nginx(const struct table *t)
{
	return str_eq(table_string(t, PROXY_KEY_TYPE, ""), "nginx");
}

static void
check_command(const struct table *t, enum proxy_key k)
{
	const json_t *list = json_object_get(table_node(t, k), "value");
	const char *program = json_string_value(json_object_get(json_array_get(list, 0), "value"));
	struct err err = ERR_INIT;

	if (t->entries[k] == NULL || !json_is_array(list))
		return;
	if (json_array_size(list) == 0 || json_array_size(list) > PROXY_ARGS_MAX)
		table_problem(t, k, "is no command: write the program and its arguments, a string each");
	else if (program != NULL && rule_proxy_program(program, &err) < 0)
		table_problem(t, k, err.msg);
}

static void
check_nginx_keys(const struct table *t)
{
	static const enum proxy_key of_nginx[] = {
	    PROXY_KEY_LISTEN, PROXY_KEY_CERTIFICATE, PROXY_KEY_CERTIFICATE_KEY, PROXY_KEY_CHALLENGES};
	size_t naddresses = json_array_size(json_object_get(table_node(t, PROXY_KEY_LISTEN), "value"));

	for (size_t i = 0; !is_nginx(t) && i < ARRAY_LEN(of_nginx); i++) {
		if (t->entries[of_nginx[i]] != NULL)
			table_problem(t, of_nginx[i], "is for nginx: Caddy knows that by itself, remove it");
	}
	if (t->entries[PROXY_KEY_LISTEN] != NULL && (naddresses == 0 || naddresses > PROXY_LISTEN_MAX))
		table_problem(t, PROXY_KEY_LISTEN, "has no address, or more than 16");
	if (t->entries[PROXY_KEY_CERTIFICATE] != NULL && t->entries[PROXY_KEY_CERTIFICATE_KEY] == NULL)
		table_problem(t, PROXY_KEY_CERTIFICATE, "needs \"certificate_key\" beside it");
	if (t->entries[PROXY_KEY_CERTIFICATE_KEY] != NULL && t->entries[PROXY_KEY_CERTIFICATE] == NULL)
		table_problem(t, PROXY_KEY_CERTIFICATE_KEY, "needs \"certificate\" beside it");
}

void
proxy_table_check(struct table *t)
{
	t->menu = &proxy_menu;
	snprintf(t->title, sizeof(t->title), "proxy");
	table_check(t);
	check_command(t, PROXY_KEY_TEST);
	check_command(t, PROXY_KEY_RELOAD);
	check_nginx_keys(t);
}

/* The strings of a list, or those that stand for a key that is not there. */
static json_t *
strings_or(const struct table *t, enum proxy_key k, const char *const *otherwise)
{
	json_t *list = table_strings(t, k);

	if (list != NULL)
		return list;
	if ((list = json_array()) == NULL)
		abort();
	for (; *otherwise != NULL; otherwise++) {
		if (json_array_append_new(list, json_string(*otherwise)) != 0)
			abort();
	}
	return list;
}

json_t *
proxy_table_document(const struct table *t)
{
	static const char *const tests[2][8] = {
	    {"caddy", "validate", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"}, {"nginx", "-t"}};
	static const char *const reloads[2][8] = {
	    {"caddy", "reload", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"},
	    {"nginx", "-s", "reload"}};
	static const char *const addresses[] = {"0.0.0.0", "::", NULL};
	size_t type = is_nginx(t) ? 1 : 0;
	json_t *doc =
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:s?, s:s?, s:s?}", "type", table_string(t, PROXY_KEY_TYPE, NULL),
		"file", table_string(t, PROXY_KEY_FILE, NULL), "test", strings_or(t, PROXY_KEY_TEST, tests[type]),
		"reload", strings_or(t, PROXY_KEY_RELOAD, reloads[type]), "listen",
		strings_or(t, PROXY_KEY_LISTEN, addresses), "certificate", table_string(t, PROXY_KEY_CERTIFICATE, NULL),
		"certificate_key", table_string(t, PROXY_KEY_CERTIFICATE_KEY, NULL), "challenges",
		table_string(t, PROXY_KEY_CHALLENGES, NULL));

	if (doc == NULL)
		abort();
	return doc;
}
