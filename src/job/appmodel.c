#include "job/appmodel.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "job/appvars.h"
#include "job/yamltext.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

enum { CHECK_PATH_MAX = 1024, HOST_NAME_BYTES_MAX = 63 };

/* For what has been looked at already, or is ours. */
static void
add_pair(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, ",\"%s\":", key);
	yamltext_quote(b, value);
}

static bool
is_port(const char *s)
{
	int64_t n;

	return str_to_int(s, 1, UINT16_MAX, &n);
}

static bool
is_check_path(const char *s)
{
	if (s[0] != '/' || strlen(s) > CHECK_PATH_MAX)
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return false;
	}
	return true;
}

/* "512m", "1.5g", "100000000". */
static bool
is_memory(const char *s)
{
	size_t n = strspn(s, DIGITS);

	if (n == 0 || n > 18)
		return false;
	if (s[n] == '.')
		n += 1 + strspn(s + n + 1, DIGITS);
	return s[n] == '\0' || (strchr("bkmgBKMG", s[n]) != NULL && s[n + 1] == '\0');
}

struct wish {
	const char *var;
	bool (*fits)(const char *value);
	const char *sentence;
};

static const struct wish wishes[] = {
    {"HTTP_PORT", is_port, "the config var HTTP_PORT must be a port, a number from 1 to 65535"},
    {"CUSTOM_CHECK", is_check_path,
	"the config var CUSTOM_CHECK must be the path of a page of the app, such as /healthz, without spaces"},
    {"MEMORY_LIMIT", is_memory, "the config var MEMORY_LIMIT must be a size such as 512m or 2g"},
};

/* The value when it is set and fits; NULL else. */
static const char *
wished(const struct app_source *a, const char *var, struct strv *complaints)
{
	const char *value = appvars_get(a->vars, var);

	for (size_t i = 0; value != NULL && i < ARRAY_LEN(wishes); i++) {
		if (!str_eq(wishes[i].var, var) || wishes[i].fits(value))
			continue;
		strv_add_take(complaints, str_dup(wishes[i].sentence));
		return NULL;
	}
	return value;
}

static bool
is_worker(const struct app_source *a)
{
	return directives_have(a->found, DIRECTIVE_NO_HTTP_PROXY) || appvars_get(a->vars, "NO_HTTP_PROXY") != NULL;
}

/* What core decides the port by, when it has seen the image. */
static void
add_wishes(const struct app_source *a, struct buf *b, struct strv *complaints)
{
	static const char *const kinds[] = {
	    [APP_COMPOSE] = "compose", [APP_DOCKERFILE] = "dockerfile", [APP_STATIC] = "static"};
	const char *port = wished(a, "HTTP_PORT", complaints), *check = wished(a, "CUSTOM_CHECK", complaints);

	buf_printf(b, "\"x-pgo-app\":{\"kind\":\"%s\",\"worker\":%s", kinds[a->kind], is_worker(a) ? "true" : "false");
	add_pair(b, "port", port != NULL ? port : "");
	add_pair(b, "check", check != NULL ? check : "");
	buf_str_add(b, "}");
}

static void
add_environment(const struct app_source *a, struct buf *b, struct strv *complaints)
{
	const char *port = appvars_get(a->vars, "HTTP_PORT");

	buf_str_add(b, ",\"environment\":{\"CONTAINER_NAME\":");
	yamltext_quote(b, a->name);
	if (port != NULL && appvars_get(a->vars, "PORT") == NULL)
		add_pair(b, "PORT", port);
	for (size_t i = 0; i < a->vars->n; i++) {
		const char *var = a->vars->v[i];
		auto_free char *name = str_printf("%.*s", (int)strcspn(var, "="), var);

		if (appvars_reserved(var))
			continue;
		buf_printf(b, ",\"%s\":", name);
		if (!yamltext_quote(b, var + strlen(name) + 1))
			strv_add_take(complaints,
			    str_printf(
				"the config var %s is not UTF-8, and compose takes no other text: set it anew, in "
				"base64 for example",
				name));
	}
	buf_str_add(b, "}");
}

/* What is in the commit for git, for us and for the build is nobody's to read on the web: the keys of those who push
 * are there, and files whose names begin with a dot hold what people forget. It is taken away in a stage of its own, so
 * that no layer of the image has it, by the image's own find, without a shell. */
static char *
site_dockerfile(const char *image)
{
	return str_printf("FROM %s AS pgo-site\n"
			  "USER 0:0\n"
			  "COPY . /pgo-site/\n"
			  "RUN [\"find\", \"/pgo-site\", \"(\", \"-path\", \"/pgo-site/ssh\", \"-o\", \"-path\", "
			  "\"/pgo-site/CNAME\", \"-o\", \"-name\", \".*\", \"!\", \"-name\", \".well-known\", \")\", "
			  "\"-prune\", \"-exec\", \"rm\", \"-rf\", \"{}\", \";\"]\n"
			  "FROM %s\n"
			  "COPY --from=pgo-site /pgo-site/ " APPMODEL_SITE_DIR "\n",
	    image, image);
}

static void
add_build(const struct app_source *a, struct buf *b, struct strv *complaints)
{
	auto_free char *inlined = NULL;

	buf_str_add(b, "\"build\":{\"context\":\".\"");
	if (a->kind == APP_STATIC && a->static_image == NULL) {
		strv_add_take(complaints,
		    str_dup(
			"index.html: a site of plain files needs a web server, and this host has none for it: the "
			"administrator can name an image under static_image of [push] in pgo.toml; or push a Dockerfile"));
	} else if (a->kind == APP_STATIC) {
		inlined = site_dockerfile(a->static_image);
		add_pair(b, "dockerfile_inline", inlined);
	}
	buf_str_add(b, "}");
}

static void
add_web(const struct app_source *a, struct buf *b, struct strv *complaints)
{
	const char *memory = wished(a, "MEMORY_LIMIT", complaints);

	buf_str_add(b, "\"services\":{\"web\":{");
	add_build(a, b, complaints);
	buf_str_add(b, ",\"restart\":\"unless-stopped\",\"security_opt\":[\"no-new-privileges:true\"]"
		       ",\"logging\":{\"driver\":\"json-file\",\"options\":{\"max-size\":\"10m\",\"max-file\":\"3\"}}");
	if (a->hostname != NULL)
		add_pair(b, "hostname", a->hostname);
	if (memory != NULL)
		add_pair(b, "mem_limit", memory);
	add_environment(a, b, complaints);
	directives_check(a->found, a->allowed, complaints);
	directives_write(a->found, a->name, b, complaints);
	buf_str_add(b, "}},");
}

/* Core has seen that each line is a name, or is passed over; the kernel takes no more than a part of the DNS has. */
static bool
is_hostname(const char *s)
{
	return s[0] != '\0' && strlen(s) <= HOST_NAME_BYTES_MAX && s[strspn(s, LOWER DIGITS ".-_")] == '\0';
}

char *
appmodel_hostname(const char *cname)
{
	char *last = NULL;

	for (const char *line = cname; *line != '\0'; line += strspn(line, "\n")) {
		size_t len = strcspn(line, "\n"), blanks = strspn(line, " \t");
		auto_free char *name = str_printf("%.*s", (int)(len - blanks), line + blanks);

		for (size_t end = strlen(name); end > 0 && strchr(" \t\r", name[end - 1]) != NULL; end--)
			name[end - 1] = '\0';
		if (is_hostname(name)) {
			free(last);
			last = TAKE(name);
		}
		line += len;
	}
	return last;
}

void
appmodel_write(const struct app_source *a, struct buf *ret, struct strv *complaints)
{
	buf_str_add(ret, "{");
	if (a->kind != APP_COMPOSE)
		add_web(a, ret, complaints);
	add_wishes(a, ret, complaints);
	buf_str_add(ret, "}\n");
}
