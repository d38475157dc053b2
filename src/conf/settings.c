#include "conf/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/fields.h"
#include "conf/mask.h"
#include "conf/rules.h"

/* Where an amount is kept; `keep`, a count of a few, is an int and has a place of its own. */
static const size_t slots[] = {
    [AMOUNT_TIMEOUT] = offsetof(struct conf_service, timeout_ms),
    [AMOUNT_HEALTH_TIMEOUT] = offsetof(struct conf_service, health_timeout_ms),
    [AMOUNT_SETTLE] = offsetof(struct conf_service, settle_ms),
    [AMOUNT_KEEP] = 0,
    [AMOUNT_CPUS] = offsetof(struct conf_service, cpus_milli),
    [AMOUNT_MEMORY] = offsetof(struct conf_service, memory_bytes),
    [AMOUNT_PIDS] = offsetof(struct conf_service, pids),
};
_Static_assert(ARRAY_LEN(slots) == AMOUNTS, "every amount has its field");

void
settings_set_amount(struct conf_service *s, enum amount a, int64_t n)
{
	if (a == AMOUNT_KEEP)
		s->keep = (int)n;
	else
		memcpy((char *)s + slots[a], &n, sizeof(n));
}

static int64_t
amount_of(const struct conf_service *s, enum amount a)
{
	int64_t n = s->keep;

	if (a != AMOUNT_KEEP)
		memcpy(&n, (const char *)s + slots[a], sizeof(n));
	return n;
}

static int
read_amounts(const json_t *object, struct conf_service *s, struct err *err)
{
	for (enum amount a = 0; a < AMOUNTS; a++) {
		const json_t *v = json_object_get(object, amount_field(a));

		if (!json_is_integer(v) || !amount_fits(a, json_integer_value(v)))
			return err_set(err, EINVAL, "\"%s\" is missing or out of range", amount_field(a));
		settings_set_amount(s, a, json_integer_value(v));
	}
	return 0;
}

static int
read_lists(const json_t *object, struct conf_service *s, struct err *err)
{
	int r = field_list(json_object_get(object, "allow"), "allow", rule_allow, &s->allow, err);

	if (r == 0)
		r = field_list(json_object_get(object, "ports"), "ports", rule_ports, &s->ports, err);
	if (r == 0)
		r = field_list(json_object_get(object, "masks"), "masks", rule_mask, &s->masks, err);
	return r < 0 ? r : field_list(json_object_get(object, "urls"), "urls", rule_route, &s->urls, err);
}

int
settings_read(json_t *object, struct conf_service *s, struct err *err)
{
	const json_t *refused = json_object_get(object, "rewind_refused");
	const json_t *ignore = json_object_get(object, "ignore");
	int r = 0;

	/* As many as are read below: nothing is there that we do not know. */
	if (!json_is_object(object) || json_object_size(object) != AMOUNTS + 11)
		return err_set(err, EINVAL, "\"settings\" lacks a field or has one too many");
	if (!json_is_boolean(refused))
		return err_set(err, EINVAL, "\"rewind_refused\" is neither true nor false");
	if (!json_is_boolean(ignore))
		return err_set(err, EINVAL, "\"ignore\" is neither true nor false");
	s->rewind_refused = json_is_true(refused);
	s->ignore = json_is_true(ignore);
	if ((r = field_optional(json_object_get(object, "update"), "update", rule_update, &s->update, err)) < 0 ||
	    (r = field_string(json_string_value(json_object_get(object, "env_digest")), "env_digest", rule_digest,
		 &s->env_digest, err)) < 0 ||
	    (r = field_optional(json_object_get(object, "group"), "group", rule_group, &s->group, err)) < 0 ||
	    (r = field_optional(json_object_get(object, "import"), "import", rule_import, &s->import, err)) < 0 ||
	    (r = field_optional(json_object_get(object, "reload"), "reload", rule_reload, &s->reload, err)) < 0 ||
	    (r = read_amounts(object, s, err)) < 0)
		return r;
	return read_lists(object, s, err);
}

static void
set(json_t *object, const char *name, json_t *take_value)
{
	if (take_value == NULL || json_object_set_new(object, name, take_value) != 0)
		abort();
}

json_t *
settings_json(const struct conf_service *s)
{
	json_t *object = json_object();

	if (object == NULL)
		abort();
	for (enum amount a = 0; a < AMOUNTS; a++)
		set(object, amount_field(a), json_integer(amount_of(s, a)));
	set(object, "update", s->update == NULL ? json_null() : json_string(s->update));
	set(object, "import", s->import == NULL ? json_null() : json_string(s->import));
	set(object, "reload", s->reload == NULL ? json_null() : json_string(s->reload));
	set(object, "rewind_refused", json_boolean(s->rewind_refused));
	set(object, "group", s->group == NULL ? json_null() : json_string(s->group));
	set(object, "ignore", json_boolean(s->ignore));
	set(object, "env_digest", json_string(s->env_digest));
	set(object, "masks", field_strings(&s->masks));
	set(object, "allow", field_strings(&s->allow));
	set(object, "ports", field_strings(&s->ports));
	set(object, "urls", field_strings(&s->urls));
	return object;
}

void
settings_done(struct conf_service *s)
{
	free(s->update);
	free(s->env_digest);
	free(s->group);
	free(s->import);
	free(s->reload);
	strv_done(&s->masks);
	strv_done(&s->allow);
	strv_done(&s->ports);
	strv_done(&s->urls);
}
