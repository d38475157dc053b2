#include "ipc/key_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/auto.h"
#include "ipc/key_from.h"
#include "ipc/opname.h"

enum { SHOWN_MAX = 64 };

static int
take_from(const char *value, struct key_limits *l, struct err *err)
{
	if (l->from != NULL)
		return err_set(err, EINVAL, "is there twice");
	if (key_from_check(value, err) < 0)
		return -EINVAL;
	l->from = str_dup(value);
	return 0;
}

static int
digits(const char *s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
		value = value * 10 + (s[i] - '0');
	return value;
}

/* YYYYMMDD[HHMM[SS]][Z]; without Z the time of this machine, as in sshd. */
static bool
parse_time(const char *s, int64_t *ret)
{
	size_t len = strspn(s, "0123456789");
	bool utc = s[len] == 'Z' || s[len] == 'z';
	struct tm tm = {.tm_isdst = -1};
	struct tm was;
	time_t t;

	if ((len != 8 && len != 12 && len != 14) || s[len + utc] != '\0')
		return false;
	tm.tm_year = digits(s, 4) - 1900;
	tm.tm_mon = digits(s + 4, 2) - 1;
	tm.tm_mday = digits(s + 6, 2);
	tm.tm_hour = len > 8 ? digits(s + 8, 2) : 0;
	tm.tm_min = len > 8 ? digits(s + 10, 2) : 0;
	tm.tm_sec = len > 12 ? digits(s + 12, 2) : 0;
	was = tm;
	t = utc ? timegm(&tm) : mktime(&tm);
	/* What is no date becomes another one. An hour that daylight saving leaves out does so too, and is one. */
	if (tm.tm_year != was.tm_year || tm.tm_mon != was.tm_mon || tm.tm_mday != was.tm_mday || was.tm_hour > 23 ||
	    was.tm_min > 59 || was.tm_sec > 59 || t <= 0)
		return false;
	*ret = t;
	return true;
}

static int
take_expiry(const char *value, struct key_limits *l, struct err *err)
{
	int64_t t = 0;

	if (!parse_time(value, &t))
		return err_set(err, EINVAL,
		    "is no time: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z behind it for UTC");
	if (l->until_s == 0 || t < l->until_s)
		l->until_s = t;
	return 0;
}

static int
add_op(struct strv *ops, const char *s, size_t len, struct err *err)
{
	auto_free char *name = str_printf("%.*s", (int)len, s);

	if (len == 0)
		return err_set(err, EINVAL, "has an empty name in it");
	if (!opname_known(name))
		return err_set(err, EINVAL, "names \"%.*s\", which is no operation", SHOWN_MAX, name);
	if (strv_has(ops, name))
		return 0;
	if (ops->n >= KEY_OPS_MAX)
		return err_set(err, EINVAL, "has more than %d names", KEY_OPS_MAX);
	strv_add(ops, name);
	return 0;
}

static int
take_ops(const char *value, struct key_limits *l, struct err *err)
{
	if (l->ops.n > 0)
		return err_set(err, EINVAL, "is there twice");
	for (const char *s = value;; s++) {
		size_t blanks = strspn(s, " ");
		size_t len = strcspn(s + blanks, ", ");

		if (add_op(&l->ops, s + blanks, len, err) < 0)
			return -EINVAL;
		s += blanks + len;
		s += strspn(s, " ");
		if (*s == '\0')
			return 0;
		if (*s != ',')
			return err_set(err, EINVAL, "needs commas between the names");
	}
}

static int
take_no_pty(const char *value, struct key_limits *l, struct err *err)
{
	(void)value, (void)err;
	l->no_pty = true;
	return 0;
}

static int
take_pty(const char *value, struct key_limits *l, struct err *err)
{
	(void)value, (void)err;
	l->no_pty = false;
	return 0;
}

/* It takes away what pgo gives nobody. */
static int
take_nothing(const char *value, struct key_limits *l, struct err *err)
{
	(void)value, (void)l, (void)err;
	return 0;
}

#define NO_FORWARDING "pgo forwards nothing"
#define NO_CERTIFICATES "pgo knows no certificates"

static const struct key_option options[] = {
    {"from", true, take_from, NULL},
    {"expiry-time", true, take_expiry, NULL},
    {"ops", true, take_ops, NULL},
    {"restrict", false, take_no_pty, NULL},
    {"no-pty", false, take_no_pty, NULL},
    {"pty", false, take_pty, NULL},
    {"no-port-forwarding", false, take_nothing, NULL},
    {"no-agent-forwarding", false, take_nothing, NULL},
    {"no-X11-forwarding", false, take_nothing, NULL},
    {"no-user-rc", false, take_nothing, NULL},
    {"command", true, NULL, "a key asks for operations, not for a command of its own: ops=\"...\" limits it to some"},
    {"environment", true, NULL, "a key sets no variables"},
    {"cert-authority", false, NULL, NO_CERTIFICATES},
    {"principals", true, NULL, NO_CERTIFICATES},
    {"permitopen", true, NULL, NO_FORWARDING},
    {"permitlisten", true, NULL, NO_FORWARDING},
    {"tunnel", true, NULL, NO_FORWARDING},
    {"port-forwarding", false, NULL, NO_FORWARDING},
    {"agent-forwarding", false, NULL, NO_FORWARDING},
    {"X11-forwarding", false, NULL, NO_FORWARDING},
    {"user-rc", false, NULL, "pgo runs nothing at login"},
    {"verify-required", false, NULL, "pgo cannot tell whether a PIN was asked for"},
    {"no-touch-required", false, NULL, "it would widen what the key may"},
};

const struct key_option *
key_options_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(options);
	return options;
}

static const struct key_option *
find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (strlen(options[i].name) == len && strncasecmp(options[i].name, name, len) == 0)
			return &options[i];
	}
	return NULL;
}

/* "value" with \" for a quote in it, and no other escape. Returns how long it is with its quotes, 0 when it has no end
 * or no beginning. */
static size_t
dequote(const char *s, struct buf *ret)
{
	size_t i = 1;

	if (s[0] != '"')
		return 0;
	for (; s[i] != '"'; i++) {
		if (s[i] == '\0')
			return 0;
		if (s[i] == '\\' && s[i + 1] == '"')
			i++;
		buf_add(ret, s + i, 1);
	}
	return i + 1;
}

static int
apply(const struct key_option *o, const char *value, struct key_limits *l, struct err *err)
{
	int rc;

	if (o->take == NULL)
		return err_set(err, EINVAL, "option %s is refused: %s", o->name, o->why);
	if (o->value && value == NULL)
		return err_set(err, EINVAL, "option %s needs a value in double quotes: %s=\"...\"", o->name, o->name);
	if (!o->value && value != NULL)
		return err_set(err, EINVAL, "option %s takes no value", o->name);
	rc = o->take(value, l, err);
	return rc < 0 ? err_wrap(err, "option %s", o->name) : 0;
}

/* One option at *at, which is moved behind it. */
static int
parse_one(const char **at, struct key_limits *l, struct err *err)
{
	size_t len = strcspn(*at, "=,\" \t");
	const struct key_option *o = find(*at, len);
	auto_buf struct buf value = BUF_INIT(strlen(*at));
	size_t quoted = 0;

	if (o == NULL)
		return err_set(err, EINVAL, "option \"%.*s\" in front of the key is not known",
		    (int)(len < SHOWN_MAX ? len : SHOWN_MAX), *at);
	*at += len;
	if (**at == '=') {
		quoted = dequote(*at + 1, &value);
		if (quoted == 0)
			return err_set(
			    err, EINVAL, "option %s needs a value in double quotes: %s=\"...\"", o->name, o->name);
		*at += 1 + quoted;
	}
	return apply(o, quoted > 0 ? buf_str(&value) : NULL, l, err);
}

int
key_options_parse(const char *text, struct key_limits *ret, struct err *err)
{
	struct key_limits l = {0};
	const char *at = text;
	int rc = 0;

	for (int n = 0; rc == 0; at++) {
		rc = n++ < KEY_OPTIONS_MAX ? parse_one(&at, &l, err)
					   : err_set(err, EINVAL, "more than %d options", KEY_OPTIONS_MAX);
		if (rc < 0 || *at == '\0')
			break;
		if (*at != ',')
			rc = err_set(err, EINVAL, "options need commas between them, and no blanks outside of quotes");
	}
	if (rc < 0)
		key_limits_done(&l);
	else
		*ret = l;
	return rc;
}

void
key_limits_done(struct key_limits *l)
{
	free(l->from);
	strv_done(&l->ops);
	*l = (struct key_limits){0};
}

void
key_limits_text(const struct key_limits *l, struct buf *out)
{
	time_t t = (time_t)l->until_s;
	struct tm tm;
	char when[32];
	const char *between = "";

	if (l->from != NULL) {
		buf_printf(out, "from=\"%s\"", l->from);
		between = ",";
	}
	if (l->until_s != 0 && gmtime_r(&t, &tm) != NULL && strftime(when, sizeof(when), "%Y%m%d%H%M%SZ", &tm) > 0) {
		buf_printf(out, "%sexpiry-time=\"%s\"", between, when);
		between = ",";
	}
	if (l->no_pty) {
		buf_printf(out, "%sno-pty", between);
		between = ",";
	}
	for (size_t i = 0; i < l->ops.n; i++)
		buf_printf(out, "%s%s%s%s", i == 0 ? between : ",", i == 0 ? "ops=\"" : "", l->ops.v[i],
		    i + 1 == l->ops.n ? "\"" : "");
}

bool
key_limits_allow(const struct key_limits *l, const char *op)
{
	return l->ops.n == 0 || strv_has(&l->ops, op);
}

int
key_options_len(const char *line, size_t *ret_len)
{
	bool quoted = false;
	size_t i = 0;

	for (; line[i] != '\0' && (quoted || (line[i] != ' ' && line[i] != '\t')); i++) {
		if (line[i] == '\\' && line[i + 1] == '"')
			i++;
		else if (line[i] == '"')
			quoted = !quoted;
	}
	*ret_len = i;
	return quoted ? -EINVAL : 0;
}
