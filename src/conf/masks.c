#include "conf/masks.h"

#include <inttypes.h>
#include <jansson.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "conf/mask.h"
#include "conf/rules.h"

enum { FORM_MAX = 8 * RULE_ENV_MAX }; /* of the longest value, written at its longest */

struct making {
	const char *name;
	size_t least; /* shorter forms are not worth a mask */
	struct strv *masks;
};

static void
add(const struct making *m, const char *form)
{
	size_t len = strlen(form);
	char digest[SHA256_DIGEST_STRING_LENGTH];
	auto_free char *text = NULL;

	if (len < m->least)
		return;
	SHA256Data((const uint8_t *)form, len, digest);
	text = str_printf("%s %zu %016" PRIx64 " %s", m->name, len, mask_roll(form, len), digest);
	if (!strv_has(m->masks, text))
		strv_add(m->masks, text);
}

/* As JSON has it between quotes; like_go: as Go writes it, which escapes what HTML minds. */
static void
add_json(const struct making *m, const char *s, bool like_go)
{
	auto_buf struct buf b = BUF_INIT(FORM_MAX);
	json_t *string = json_string(s);
	char *text = string == NULL ? NULL : json_dumps(string, JSON_ENCODE_ANY);

	json_decref(string);
	if (text == NULL)
		return;
	for (const char *p = text + 1; p[0] != '\0' && p[1] != '\0'; p++) {
		if (like_go && strchr("<>&", *p) != NULL)
			buf_printf(&b, "\\u%04x", (unsigned char)*p);
		else
			buf_add(&b, p, 1);
	}
	add(m, buf_str(&b));
	buf_wipe(&b);
	str_wipe(text);
}

/* Each of these bytes twice, as compose writes "$" and YAML its quote. */
static char *
doubled(const char *s, char which)
{
	auto_buf struct buf b = BUF_INIT(FORM_MAX);

	for (; *s != '\0'; s++)
		buf_printf(&b, *s == which ? "%c%c" : "%c", *s, *s);
	return buf_take(&b);
}

static void
add_url(const struct making *m, const char *s, bool is_query)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
	auto_buf struct buf b = BUF_INIT(FORM_MAX);

	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL)
			buf_add(&b, s, 1);
		else if (is_query && *s == ' ')
			buf_str_add(&b, "+");
		else
			buf_printf(&b, "%%%02X", (unsigned char)*s);
	}
	add(m, buf_str(&b));
	buf_wipe(&b);
}

/* As part of whatever was encoded: at each of the three places that it can begin at, what does not depend on its
 * neighbours. */
static void
add_base64(const struct making *m, const char *s)
{
	size_t len = strlen(s);

	for (size_t before = 0; before < 3; before++) {
		auto_free char *text = str_printf("%.*s%s", (int)before, "  ", s);
		char *coded = str_base64(text, before + len);
		size_t begin = before == 0 ? 0 : before + 1;
		size_t end = (before + len) * 8 / 6;

		if (before == 0) {
			coded[strcspn(coded, "=")] = '\0';
			add(m, coded);
		}
		if (end > begin) {
			coded[end] = '\0';
			add(m, coded + begin);
		}
		explicit_bzero(text, strlen(text));
		str_wipe(coded);
	}
}

static void
add_forms(const struct making *m, const char *s)
{
	char *dollars = doubled(s, '$');
	char *quotes = doubled(s, '\'');

	add(m, s);
	add(m, dollars);
	add(m, quotes);
	for (int like_go = 0; like_go < 2; like_go++) {
		add_json(m, s, like_go != 0);
		add_json(m, dollars, like_go != 0);
		add_url(m, s, like_go != 0);
	}
	add_base64(m, s);
	str_wipe(dollars);
	str_wipe(quotes);
}

/* A text of several lines is also told line by line. */
static void
add_lines(const struct making *m, const char *s)
{
	char *copy = str_dup(s);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\r\n", &save); line != NULL; line = strtok_r(NULL, "\r\n", &save)) {
		if (strlen(line) >= m->least && strlen(line) < strlen(s))
			add_forms(m, line);
	}
	free(copy);
}

void
masks_of_env(const char *entry, struct strv *masks)
{
	size_t len = rule_env_name(entry);
	auto_free char *name = str_printf("%.*s", (int)len, entry);
	const struct making m = {.name = len <= MASK_NAME_MAX ? name : "-", .least = MASK_VALUE_MIN, .masks = masks};

	if (len == 0 || strlen(entry + len + 1) < MASK_VALUE_MIN)
		return;
	add_forms(&m, entry + len + 1);
	add_lines(&m, entry + len + 1);
}

void
masks_of_login(const char *user, const char *token, struct strv *masks)
{
	const struct making m = {.name = "-", .least = MASK_TOKEN_MIN, .masks = masks};
	char *both = str_printf("%s:%s", user, token);

	add_base64(&m, both);
	if (token[0] != '\0')
		add_forms(&m, token);
	/* Some servers take the token for the user's name. */
	if (token[0] == '\0' || strlen(user) >= MASK_USER_MIN)
		add_forms(&m, user);
	str_wipe(both);
}

void
masks_of_auth(const char *auth, struct strv *masks)
{
	size_t len = strcspn(auth, ":");
	auto_free char *user = str_printf("%.*s", (int)len, auth);

	masks_of_login(user, auth[len] == '\0' ? "" : auth + len + 1, masks);
}
