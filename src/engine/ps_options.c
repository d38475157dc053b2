#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "engine/ps.h"
#include "engine/view.h"

void
ps_options_done(struct ps_options *opt)
{
	strv_done(&opt->names);
}

static int
take_status(struct ps_options *opt, const char *value, struct err *err)
{
	enum container_state state = container_state_of(value);

	if (state == CONTAINER_UNKNOWN)
		return err_set(err, EINVAL, "ps: no such status: %s", value);
	opt->statuses |= 1u << state;
	return 0;
}

static int
take_filter(struct ps_options *opt, const char *value, struct err *err)
{
	if (!str_starts(value, "status="))
		return err_set(err, EINVAL, "ps: the only filter is status=STATUS");
	return take_status(opt, value + strlen("status="), err);
}

static int
take_format(struct ps_options *opt, const char *value, struct err *err)
{
	opt->json = str_eq(value, "json");
	if (!opt->json && !str_eq(value, "table"))
		return err_set(err, EINVAL, "ps: the formats are table and json");
	return 0;
}

static int
take_json(struct ps_options *opt, const char *value, struct err *err)
{
	(void)err;
	opt->json = value == NULL;
	return 0;
}

static int
take_all(struct ps_options *opt, const char *value, struct err *err)
{
	(void)err;
	opt->all = value == NULL;
	return 0;
}

static int
take_quiet(struct ps_options *opt, const char *value, struct err *err)
{
	(void)err;
	opt->quiet = value == NULL;
	return 0;
}

static int
take_services(struct ps_options *opt, const char *value, struct err *err)
{
	(void)err;
	opt->services = value == NULL;
	return 0;
}

static int
take_no_trunc(struct ps_options *opt, const char *value, struct err *err)
{
	(void)err;
	opt->no_trunc = value == NULL;
	return 0;
}

/* The default, and there is no other: core does not tell orphans apart, --remove-orphans leaves none. */
static int
take_orphans(struct ps_options *opt, const char *value, struct err *err)
{
	(void)opt;
	return value == NULL ? 0 : err_set(err, EINVAL, "ps: --orphans=false is not supported");
}

static const struct option_row {
	const char *name;
	char letter;
	bool has_value;
	/* value: of a switch NULL for on, "" for off */
	int (*take)(struct ps_options *opt, const char *value, struct err *err);
} option_table[] = {
    {"all", 'a', false, take_all},
    {"quiet", 'q', false, take_quiet},
    {"services", 0, false, take_services},
    {"no-trunc", 0, false, take_no_trunc},
    {"orphans", 0, false, take_orphans},
    {"format", 0, true, take_format},
    {"json", 0, false, take_json},
    {"filter", 0, true, take_filter},
    {"status", 0, true, take_status},
};

static const struct option_row *
find_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(option_table); i++) {
		if (strlen(option_table[i].name) == len && memcmp(option_table[i].name, name, len) == 0)
			return &option_table[i];
	}
	return NULL;
}

static int
take_letters(struct ps_options *opt, const char *letters, struct err *err)
{
	for (; *letters != '\0'; letters++) {
		const struct option_row *row = NULL;

		for (size_t i = 0; i < ARRAY_LEN(option_table); i++) {
			if (option_table[i].letter == *letters)
				row = &option_table[i];
		}
		if (row == NULL)
			return err_set(err, EINVAL, "ps: unknown option: -%c", *letters);
		(void)row->take(opt, NULL, err);
	}
	return 0;
}

/* Returns how many of the words were taken, or < 0. */
static int
take_long(struct ps_options *opt, const char *word, const char *next, struct err *err)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] == '=' ? word + len + 1 : NULL;
	const struct option_row *row = find_name(word, len);
	int words = 1;
	int r;

	if (row == NULL)
		return err_set(err, EINVAL, "ps: unknown option: --%s", word);
	if (row->has_value && value == NULL) {
		value = next;
		words = 2;
	} else if (!row->has_value && value != NULL) {
		if (!str_eq(value, "true") && !str_eq(value, "false"))
			return err_set(err, EINVAL, "ps: --%s is true or false", row->name);
		value = str_eq(value, "true") ? NULL : "";
	}
	if (row->has_value && value == NULL)
		return err_set(err, EINVAL, "ps: --%s needs a value", row->name);
	r = row->take(opt, value, err);
	return r < 0 ? r : words;
}

int
ps_options_parse(const struct strv *args, struct ps_options *ret_opt, struct err *err)
{
	auto_ps_options struct ps_options opt = PS_OPTIONS_INIT;
	bool operands = false;

	for (size_t i = 0; i < args->n;) {
		const char *word = args->v[i];
		int r = 1;

		if (operands || word[0] != '-' || word[1] == '\0')
			(void)strv_add(&opt.names, word);
		else if (str_eq(word, "--"))
			operands = true;
		else if (word[1] == '-')
			r = take_long(&opt, word + 2, i + 1 < args->n ? args->v[i + 1] : NULL, err);
		else if ((r = take_letters(&opt, word + 1, err)) == 0)
			r = 1;
		if (r < 0)
			return r;
		i += (size_t)r;
	}
	*ret_opt = opt;
	opt.names = (struct strv){NULL, 0};
	return 0;
}
