#include "ctl/options.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "ipc/opname.h"

enum { LINE_MAX_COLUMNS = 76 };

static int
set_identity(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->identity = value;
	return 0;
}

static int
set_port(struct options *o, const char *value, struct err *err)
{
	int64_t n;

	if (!str_to_int(value, 1, 65535, &n))
		return err_set(err, EINVAL, "%s is not a port: a number from 1 to 65535", value);
	o->port = (int)n;
	return 0;
}

static int
set_known_hosts(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->known_hosts = value;
	return 0;
}

static int
set_accept_new(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	o->accept_new = true;
	return 0;
}

static int
set_quiet(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	o->quiet = true;
	return 0;
}

static int
set_version(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	o->version = true;
	return 0;
}

static int
set_help(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	o->help = true;
	return 0;
}

static const struct option_spec table[] = {
    {'i', "identity", "FILE", "private key to use; without: PGOCTL_ID, then ssh-agent", set_identity},
    {'p', "port", "PORT", "port of pgod on HOST (2222)", set_port},
    {0, "accept-new", NULL, "trust and store the key of a host that is not known yet", set_accept_new},
    {0, "known-hosts", "FILE", "keep host keys here instead of ~/.ssh/known_hosts", set_known_hosts},
    {'q', "quiet", NULL, "no line on stderr about a status over 255", set_quiet},
    {'v', "version", NULL, "print the version and exit", set_version},
    {'h', "help", NULL, "print this help and exit", set_help},
};

const struct option_spec *
options_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(table);
	return table;
}

static const struct option_spec *
find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return &table[i];
	}
	return NULL;
}

static const struct option_spec *
find_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].letter == letter)
			return &table[i];
	}
	return NULL;
}

/* --name, --name VALUE, --name=VALUE. *i is moved past a value of its own. */
static int
parse_long(struct options *o, int argc, char **argv, int *i, struct err *err)
{
	const char *name = argv[*i] + 2;
	const char *eq = strchr(name, '=');
	size_t len = eq == NULL ? strlen(name) : (size_t)(eq - name);
	const struct option_spec *spec = find_long(name, len);

	if (spec == NULL)
		return err_set(err, EINVAL, "unknown option --%.*s", (int)len, name);
	if (spec->arg == NULL && eq != NULL)
		return err_set(err, EINVAL, "option --%s takes no value", spec->name);
	if (spec->arg == NULL || eq != NULL)
		return spec->set(o, eq == NULL ? NULL : eq + 1, err);
	if (*i + 1 >= argc)
		return err_set(err, EINVAL, "option --%s needs a value", spec->name);
	return spec->set(o, argv[++*i], err);
}

/* -x, -xy, -i VALUE, -iVALUE. */
static int
parse_letters(struct options *o, int argc, char **argv, int *i, struct err *err)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
		const struct option_spec *spec = find_letter(*p);
		int rc;

		if (spec == NULL)
			return err_set(err, EINVAL, "unknown option -%c", *p);
		if (spec->arg != NULL) {
			if (p[1] != '\0')
				return spec->set(o, p + 1, err);
			if (*i + 1 >= argc)
				return err_set(err, EINVAL, "option -%c needs a value", *p);
			return spec->set(o, argv[++*i], err);
		}
		rc = spec->set(o, NULL, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
options_parse(struct options *ret_o, int argc, char **argv, struct err *err)
{
	struct options o = {.port = PORT_DEFAULT};
	int i, rc;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (str_eq(argv[i], "--")) {
			i++;
			break;
		}
		rc = argv[i][1] == '-' ? parse_long(&o, argc, argv, &i, err) : parse_letters(&o, argc, argv, &i, err);
		if (rc < 0)
			return rc;
	}
	o.first = i;
	*ret_o = o;
	return 0;
}

/* The names of the operations on a service, or on the host, in lines. */
static void
print_names(FILE *to, bool host)
{
	size_t n;
	const char *const *names = opname_table(&n);
	size_t column = LINE_MAX_COLUMNS;

	for (size_t i = 0; i < n; i++) {
		if (str_starts(names[i], OPNAME_HOST) != host)
			continue;
		if (column + 1 + strlen(names[i]) > LINE_MAX_COLUMNS) {
			fputs("\n ", to);
			column = 1;
		}
		fprintf(to, " %s", names[i]);
		column += 1 + strlen(names[i]);
	}
	fputs("\n", to);
}

void
options_usage(FILE *to)
{
	fputs("usage: pgoctl [OPTION...] [--] [USER@]HOST:SERVICE//OPERATION [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", table[i].letter == 0 ? ' ' : '-',
		    table[i].letter == 0 ? ' ' : table[i].letter, table[i].letter == 0 ? " " : ",", table[i].name,
		    table[i].arg == NULL ? "" : " ", table[i].arg == NULL ? "" : table[i].arg);
		fprintf(to, "  %-26s %s\n", left, table[i].help);
	}
	fputs("\nOperations:", to);
	print_names(to, false);
	fputs("`pgoctl HOST:SERVICE//help` tells what they do. Operators may ask the host as well:", to);
	print_names(to, true);
}
