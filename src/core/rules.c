#include "core/rules.h"

#include <sha256.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"

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

void
rules_digest(const struct conf *conf, const struct conf_service *s, char ret_hex[RULES_HEX])
{
	auto_buf struct buf text = BUF_INIT(RULES_MAX);

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
