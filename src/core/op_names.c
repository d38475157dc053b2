/* Compose services that an operator names. Of one that does not exist compose says nothing, or fails half-way: a typing
 * error would pass for a stop, or take a deploy down with it. */
#include "base/auto.h"
#include "core/client.h"
#include "core/op.h"
#include "core/runs.h"
#include "core/service.h"
#include "engine/engine.h"

struct search {
	const char *name;
	bool found;
};

static bool
match_container(void *ctx, const struct container *c)
{
	struct search *s = ctx;

	s->found = !c->oneoff && str_eq(c->service, s->name);
	return !s->found;
}

static bool
has_container(const struct service *svc, const char *name)
{
	struct search s = {.name = name};

	engine_containers(svc->core->engine, svc->conf->name, match_container, &s);
	return s.found;
}

static bool
in_release(const struct service *svc, const char *name)
{
	for (size_t i = 0; i < svc->facts.n; i++) {
		if (str_eq(svc->facts.v[i].name, name))
			return true;
	}
	return false;
}

static char *
names_text(const struct service *svc)
{
	auto_buf struct buf out = BUF_INIT(512);

	for (size_t i = 0; i < svc->facts.n; i++)
		buf_printf(&out, "%s%s", i > 0 ? ", " : "", svc->facts.v[i].name);
	return svc->facts.n > 0 ? str_printf("there is %s%s", buf_str(&out), out.full ? "…" : "")
				: str_dup("nothing is deployed");
}

bool
op_names_known(struct client *c, const struct op *op, const struct strv *names)
{
	const struct service *svc = c->svc;

	for (size_t i = 0; i < names->n; i++) {
		auto_free char *others = NULL;

		if (in_release(svc, names->v[i]) || has_container(svc, names->v[i]))
			continue;
		others = names_text(svc);
		client_answer(c, 2, 1, "%s: there is no compose service %s; %s\n", op->name, names->v[i], others);
		return false;
	}
	return true;
}

bool
op_has_containers(const struct service *svc, const struct strv *names)
{
	auto_runs struct runs runs = RUNS_INIT;

	for (size_t i = 0; i < names->n; i++) {
		if (has_container(svc, names->v[i]))
			return true;
	}
	service_runs(svc, &runs);
	return names->n == 0 && runs.containers > 0;
}
