#include "supervisor/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "supervisor/bind.h"

enum {
	DURATION_MIN_MS = 1000, /* below, polling would be a denial of service against the git server */
	LONG_VALUE = 256,	/* getopt_long's value of row i is LONG_VALUE + i, so that it tells -s=x from --ssh=x */
};

static void
replace(char **s, char *take_value)
{
	free(*s);
	*s = take_value;
}

static int
set_flag(bool *flag, const char *name, const char *value, struct err *err)
{
	if (value == NULL || str_eq(value, "true") || str_eq(value, "1"))
		*flag = true;
	else if (str_eq(value, "false") || str_eq(value, "0"))
		*flag = false;
	else
		return err_set(err, EINVAL, "--%s is true or false, not \"%s\"", name, value);
	return 0;
}

static int
set_path(char **path, const char *name, const char *value, struct err *err)
{
	auto_free char *clean = NULL;

	if (*value == '\0')
		return err_set(err, EINVAL, "--%s can not be empty", name);
	clean = path_clean(value);
	if (clean == NULL)
		return err_set(err, EINVAL, "--%s must be an absolute path, not \"%s\"", name, value);
	if (str_eq(clean, "/"))
		return err_set(err, EINVAL, "--%s can not be /", name);
	replace(path, TAKE(clean));
	return 0;
}

static int
set_config(struct options *o, const char *value, struct err *err)
{
	if (*value == '\0')
		return err_set(err, EINVAL, "--config can not be empty");
	replace(&o->config, str_dup(value));
	return 0;
}

static int
set_ssh(struct options *o, const char *value, struct err *err)
{
	if (*value == '\0')
		return err_set(err, EINVAL, "--ssh can not be empty");
	replace(&o->ssh, str_dup(value));
	return 0;
}

static int
set_dir(struct options *o, const char *value, struct err *err)
{
	return set_path(&o->dir, "dir", value, err);
}

static int
set_datadir(struct options *o, const char *value, struct err *err)
{
	return set_path(&o->datadir, "datadir", value, err);
}

static int
set_duration(struct options *o, const char *value, struct err *err)
{
	int64_t ms = 0;

	if (!str_to_duration_ms(value, &ms))
		return err_set(err, EINVAL, "--duration is a duration such as 5m0s or 90s, not \"%s\"", value);
	if (ms < DURATION_MIN_MS)
		return err_set(err, EINVAL, "--duration must be at least 1s, not \"%s\"", value);
	o->duration_ms = ms;
	return 0;
}

static int
set_debug(struct options *o, const char *value, struct err *err)
{
	return set_flag(&o->debug, "debug", value, err);
}

static int
set_restart(struct options *o, const char *value, struct err *err)
{
	return set_flag(&o->restart, "restart", value, err);
}

static int
set_check(struct options *o, const char *value, struct err *err)
{
	return set_flag(&o->check, "check", value, err);
}

static int
set_metric(struct options *o, const char *value, struct err *err)
{
	if (str_eq(value, "off"))
		value = "";
	if (*value != '\0' && bind_check(value, err) < 0)
		return err_wrap(err, "--metric");
	replace(&o->metric, str_dup(value));
	return 0;
}

static int
set_deploy_key(struct options *o, const char *value, struct err *err)
{
	if (!str_is_service_name(value))
		return err_set(err, EINVAL, "--deploy-key wants the name of a service, not \"%s\"", value);
	replace(&o->deploy_key, str_dup(value));
	return 0;
}

static int
set_version(struct options *o, const char *value, struct err *err)
{
	return set_flag(&o->version, "version", value, err);
}

static int
set_help(struct options *o, const char *value, struct err *err)
{
	return set_flag(&o->help, "help", value, err);
}

/* Of an older pgod, which could be told to go on without. */
static int
set_root(struct options *o, const char *value, struct err *err)
{
	bool root = true;
	int rc = set_flag(&root, "root", value, err);

	(void)o;
	if (rc >= 0 && !root)
		return err_set(err, EINVAL, "pgod cannot run services without root; --check does not need it");
	return rc;
}

static const struct option_row table[] = {
    {'c', "config", "FILE", "/etc/pgo.toml", "the configuration", set_config},
    {'s', "ssh", "ADDRESS", ":2222", "where to listen for SSH: \":port\", \"address:port\" or \"[address]:port\"",
	set_ssh},
    {'d', "dir", "DIRECTORY", "/var/lib/pgo", "where the services live; root's own, made when missing", set_dir},
    {0, "datadir", "DIRECTORY", "/data", "parent of each service's data directory", set_datadir},
    {0, "debug", NULL, NULL, "log debug lines too", set_debug},
    {'r', "restart", NULL, "true", "watch the configuration; exit with 2 when a new one is valid", set_restart},
    {'t', "duration", "DURATION", "5m0s", "time between polls of a repository, at least 1s", set_duration},
    {0, "check", NULL, NULL, "check the configuration only, report every error", set_check},
    {0, "deploy-key", "SERVICE", NULL, "print the public half of the service's deploy key, made when missing, and exit",
	set_deploy_key},
    {'m', "metric", "ADDRESS", "127.0.0.1:9112", "where to serve /metrics and /healthz, likewise; \"off\": nowhere",
	set_metric},
    {'o', "root", NULL, NULL, "of an older pgod: root is always needed", set_root},
    {'v', "version", NULL, NULL, "print the version and exit", set_version},
    {'h', "help", NULL, NULL, "print this text and exit", set_help},
};

const struct option_row *
options_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(table);
	return table;
}

static int
set_defaults(struct options *o, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int rc = table[i].value == NULL ? 0 : table[i].set(o, table[i].value, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void
getopt_tables(char *letters, struct option *longs)
{
	*letters++ = ':'; /* errors are ours to word */
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		longs[i].name = table[i].name;
		longs[i].has_arg = table[i].arg != NULL ? required_argument : optional_argument;
		longs[i].val = LONG_VALUE + (int)i;
		if (table[i].letter == 0)
			continue;
		*letters++ = table[i].letter;
		if (table[i].arg != NULL)
			*letters++ = ':';
	}
}

static size_t
row_of(int value, bool *ret_long)
{
	*ret_long = value >= LONG_VALUE;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (*ret_long ? value == LONG_VALUE + (int)i : table[i].letter == value)
			return i;
	}
	return ARRAY_LEN(table);
}

/* An older pgod's -d was --debug. A directory begins with "/": nothing at all, or another option, behind -d is no
 * directory that somebody could have meant. */
static bool
is_old_debug(int value, char **argv)
{
	if (value == ':')
		return optopt == 'd';
	if (value != 'd' || optarg != argv[optind - 1] || optarg[0] != '-')
		return false;
	optind--; /* it is an option after all */
	return true;
}

static int
take_option(struct options *o, int value, char **argv, struct err *err)
{
	bool is_long = false;
	size_t i = row_of(value, &is_long);
	const char *text = optarg;

	if (is_old_debug(value, argv))
		return set_debug(o, NULL, err);
	if (value == ':')
		return err_set(err, EINVAL, "option %s needs a value", argv[optind - 1]);
	if (i == ARRAY_LEN(table))
		return err_set(err, EINVAL, "unknown option %s", argv[optind - 1]);
	if (!is_long && text != NULL && *text == '=')
		text++; /* -s=:2222 as the reference takes it */
	return table[i].set(o, text, err);
}

int
options_parse(int argc, char **argv, struct options *ret_o, struct err *err)
{
	auto_options struct options o = {0};
	struct option longs[ARRAY_LEN(table) + 1] = {0};
	char letters[2 * ARRAY_LEN(table) + 2] = "";
	int rc = set_defaults(&o, err);
	int value;

	getopt_tables(letters, longs);
	opterr = 0;
	optind = 0;
	while (rc >= 0 && (value = getopt_long(argc, argv, letters, longs, NULL)) != -1)
		rc = take_option(&o, value, argv, err);
	if (rc < 0)
		return rc;
	if (optind < argc)
		return err_set(err, EINVAL, "pgod takes no operands, but was given \"%s\"", argv[optind]);
	*ret_o = o;
	o = (struct options){0};
	return 0;
}

void
options_usage(struct buf *b)
{
	buf_str_add(b, "usage: pgod [options]\n\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct option_row *r = &table[i];
		auto_free char *name =
		    str_printf("--%s%s%s", r->name, r->arg != NULL ? " " : "", r->arg != NULL ? r->arg : "");

		if (r->letter != 0)
			buf_printf(b, "  -%c, %-22s %s", r->letter, name, r->help);
		else
			buf_printf(b, "      %-22s %s", name, r->help);
		if (r->value != NULL)
			buf_printf(b, " (default %s)", r->value);
		buf_str_add(b, "\n");
	}
}

void
options_done(struct options *o)
{
	free(o->config);
	free(o->ssh);
	free(o->metric);
	free(o->dir);
	free(o->datadir);
	free(o->deploy_key);
	*o = (struct options){0};
}
