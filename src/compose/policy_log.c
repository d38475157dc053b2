/* The log of a container. The engine itself writes it, as root, with the options that stand here. */
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/policy_table.h"

enum { LOG_TAG_MAX = 512, LOG_FILES_MAX = 1000, LOG_BUFFER_MAX = 64 << 20 };

static bool
names_host_file(const char *value)
{
	return value[0] == '/' || strstr(value, "unix") != NULL || strstr(value, "file:") != NULL;
}

/* The engine fills the tag in as a template, in its own memory: {{pad "x" 1000000000000 0}} kills it, and with it every
 * container of the host. So the documented fields and nothing else: {{.ImageName}}/{{ .Name }}. */
static bool
is_plain_tag(const char *tag)
{
	if (strlen(tag) > LOG_TAG_MAX)
		return false;
	while ((tag = strstr(tag, "{{")) != NULL) {
		const char *field = tag + 2 + strspn(tag + 2, " ");
		size_t len = strcspn(field, " }");
		auto_free char *name = str_printf("%.*s", (int)len, field);

		tag = field + len + strspn(field + len, " ");
		if (!str_starts(tag, "}}") ||
		    !check_word(".ID|.FullID|.Name|.ImageID|.ImageFullID|.ImageName|.DaemonName", name))
			return false;
	}
	return true;
}

/* At each rotation the engine renames as many files, also those that are not there. */
static bool
is_file_count(const char *text)
{
	int64_t n;

	return str_to_int(text, 1, LOG_FILES_MAX, &n);
}

/* What the engine keeps in its own memory for a container that writes faster than the disk. */
static bool
is_buffer_size(const char *text)
{
	static const struct {
		const char *units; /* each of them, and behind them b or nothing, in any case */
		int shift;
	} sizes[] = {{"", 0}, {"kK", 10}, {"mM", 20}};
	auto_free char *digits = str_printf("%.*s", (int)strspn(text, "0123456789"), text);
	const char *unit = text + strlen(digits);
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const char *rest = i == 0 ? unit : unit + 1;

		if (i > 0 && (unit[0] == '\0' || strchr(sizes[i].units, unit[0]) == NULL))
			continue;
		if (rest[0] == '\0' || check_word("b|B|ib|iB", rest))
			return str_to_int(digits, 0, LOG_BUFFER_MAX >> sizes[i].shift, &n);
	}
	return false;
}

struct log_option {
	const char *name;
	bool (*fits)(const char *text); /* NULL: any value */
	const char *advice;
};

/* Whichever driver it is, what it does with the lines of one container. */
static const struct log_option plain_options[] = {
    {"max-size", NULL, NULL},
    {"max-file", is_file_count, "write a number up to 1000"},
    {"compress", NULL, NULL},
    {"labels", NULL, NULL},
    {"labels-regex", NULL, NULL},
    {"env", NULL, NULL},
    {"env-regex", NULL, NULL},
    {"tag", is_plain_tag, "use plain fields such as {{.Name}}"},
    {"mode", NULL, NULL},
    {"max-buffer-size", is_buffer_size, "write a size up to 64m"},
    {"cache-disabled", NULL, NULL},
    {"cache-max-size", NULL, NULL},
    {"cache-max-file", is_file_count, "write a number up to 1000"},
    {"cache-compress", NULL, NULL},
};

static const struct log_option *
find_plain(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(plain_options); i++) {
		if (str_eq(plain_options[i].name, name))
			return &plain_options[i];
	}
	return NULL;
}

static void
judge_option(struct check *c, bool plain, const char *key, const json_t *value)
{
	auto_free char *at = str_printf(".options.%s", key);
	auto_free char *text = json_is_string(value)   ? json_undollar(json_string_value(value))
			       : json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY)
			       : json_is_unset(value)  ? str_dup("")
						       : NULL;
	const struct log_option *o = find_plain(key);

	if (text == NULL)
		check_fail(c, at, "write a word", "the log option %.200s is not understood", key);
	else if (plain && o == NULL)
		check_fail(c, at, "remove the option", "the log option %.200s is not allowed", key);
	else if (o != NULL && o->fits != NULL && text[0] != '\0' && !o->fits(text))
		check_fail(c, at, o->advice, "the log option %.200s: %.200s would burden the engine", key, text);
	else if (o == NULL && names_host_file(text))
		check_fail(c, at, "use a network address, or the driver json-file, local or journald",
		    "a file or socket of the host is not allowed");
}

/* The plain drivers keep their logs to themselves. Others send them, as root and in the network of the host, wherever
 * the options say, and read certificates and keys that these name: the administrator allows them by name, files of the
 * host they get none. */
void
check_logging(struct check *c, const json_t *logging)
{
	const char *driver = json_str(logging, "driver");
	bool plain = driver == NULL || check_word("|json-file|local|journald|none", driver);
	const char *key;
	json_t *value;

	if (c->policy->root)
		return;
	if (!plain && !check_allowed(c, "logging", driver))
		check_fail(
		    c, ".driver", "use json-file, local or journald", "the log driver %.100s is not allowed", driver);
	json_object_foreach(json_object_get(logging, "options"), key, value) judge_option(c, plain, key, value);
}
