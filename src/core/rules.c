#include "core/rules.h"

#include <sha256.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "core/store.h"

_Static_assert(RULES_HEX == SHA256_DIGEST_STRING_LENGTH, "a digest and its NUL");

enum { RULES_MAX = 16 * 1024 * 1024 }; /* more than a configuration can say */

/* Each word with its NUL, so that no two lists look alike. */
static void
add_word(struct buf *text, const char *word)
{
	buf_add(text, word, strlen(word) + 1);
}

static void
add_list(struct buf *text, const char *name, const struct strv *list)
{
	buf_printf(text, "%s %zu\n", name, list->n);
	for (size_t i = 0; i < list->n; i++)
		add_word(text, list->v[i]);
}

static void
digest_rules(const struct conf *conf, const struct conf_service *s, const char *key, char ret_hex[RULES_HEX])
{
	auto_buf struct buf text = BUF_INIT(RULES_MAX);

	add_word(&text, key);
	add_word(&text, s->user);
	add_word(&text, s->compose != NULL ? s->compose : "");
	buf_printf(&text, "%d %lld %lld %lld\n", s->has_networks, (long long)s->cpus_milli, (long long)s->memory_bytes,
	    (long long)s->pids);
	add_list(&text, "networks", &s->networks);
	add_list(&text, "allow", &s->allow);
	add_list(&text, "ports", &s->ports);
	/* What two services want belongs to the one that comes first. */
	for (size_t i = 0; i < conf->nservices; i++) {
		if (conf->services[i].urls.n > 0)
			add_list(&text, conf->services[i].name, &conf->services[i].urls);
	}
	SHA256Data((const uint8_t *)buf_str(&text), text.len, ret_hex);
}

/* The database gets neither the variables nor a digest by which they could be tried. */
static void
digest_env(const struct conf_service *s, const char *key, char ret_hex[RULES_HEX])
{
	auto_free char *text = str_printf("%s env %s", key, s->env_digest);

	SHA256Data((const uint8_t *)text, strlen(text), ret_hex);
}

void
rules_text(const struct conf *conf, const struct conf_service *s, const char *key, char ret[RULES_TEXT])
{
	digest_rules(conf, s, key, ret);
	ret[RULES_HEX - 1] = ' ';
	digest_env(s, key, ret + RULES_HEX);
}

bool
rules_judge_again(const struct store_service *row, const char text[RULES_TEXT])
{
	/* Older records have no second digest, or none at all: nobody knows what it was. */
	bool env_is_other = strlen(row->rules) == RULES_TEXT - 1 && !str_eq(row->rules + RULES_HEX, text + RULES_HEX);

	if (str_eq(row->rules, text) || row->tracked[0] == '\0' || !str_eq(row->judged, row->tracked))
		return false;
	if (str_eq(row->verdict, "refused"))
		return true;
	if (!env_is_other || str_ends(row->refusal, RULES_BY_HAND))
		return false;
	if (row->verdict[0] == '\0')
		return str_eq(row->live, row->tracked);
	return str_eq(row->verdict, "rolled back") || str_eq(row->verdict, "unhealthy");
}
