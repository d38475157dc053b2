#include "core/judge.h"

#include "base/auto.h"
#include "base/log.h"
#include "core/masks.h"
#include "core/service.h"

struct model_limits
judge_limits(const struct service *svc)
{
	const struct conf_service *conf = svc->conf;

	return (struct model_limits){
	    .cpus_milli = conf->cpus_milli, .memory_bytes = conf->memory_bytes, .pids = conf->pids};
}

/* What the other services of the host have taken, in a new array that the caller frees; what it points at is theirs. */
static struct policy_other *
other_services(const struct service *svc, size_t *ret_n)
{
	struct policy_other *others;
	const struct service *other;
	size_t n = 0;

	TAILQ_FOREACH(other, &svc->core->services, entry)
	n++;
	others = calloc(n + 1, sizeof(*others));
	if (others == NULL)
		abort();
	n = 0;
	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (other == svc)
			continue;
		others[n++] = (struct policy_other){
		    .name = other->conf->name,
		    .before = other->conf < svc->conf,
		    .urls = &other->conf->urls,
		    .names = other->names,
		};
	}
	*ret_n = n;
	return others;
}

static struct policy
policy_of(const struct service *svc, const struct policy_other *others, size_t nothers)
{
	const struct conf_service *conf = svc->conf;

	return (struct policy){
	    .project = conf->name,
	    .live = svc->live_path,
	    .datadir = svc->data_path,
	    .root = str_eq(conf->user, "root"),
	    .has_networks = conf->has_networks,
	    .networks = &conf->networks,
	    .allow = &conf->allow,
	    .ports = &conf->ports,
	    .urls = &conf->urls,
	    .limits = judge_limits(svc),
	    .others = others,
	    .nothers = nothers,
	};
}

void
judge_model(const struct service *svc, const json_t *model, struct violations *ret)
{
	size_t nothers = 0;
	auto_free struct policy_other *others = other_services(svc, &nothers);
	struct policy policy = policy_of(svc, others, nothers);

	policy_check(model, &policy, ret);
}

void
judge_release(const struct service *svc, const json_t *approved, struct violations *ret)
{
	auto_json json_t *model = model_to_judge(approved);
	struct policy policy = policy_of(svc, NULL, 0);

	judge_model(svc, model, ret);
	policy_unlimited(model, &policy, ret);
}

void
judge_image_configs(const struct service *svc, json_t *configs, struct violations *ret)
{
	struct policy policy = policy_of(svc, NULL, 0);
	const char *service;
	json_t *of;

	json_object_foreach(configs, service, of) policy_image_config(of, service, &policy, ret);
}

void
judge_current(struct service *svc)
{
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	auto_violations struct violations vs = {0};
	auto_json json_t *model = NULL;
	auto_free char *sentences = NULL;
	auto_free char *breach = NULL;
	struct masks *own = NULL;
	struct err err = ERR_INIT;

	if (svc->row.release != 0 &&
	    store_model_read(svc->core->store, svc->conf->name, svc->row.release, &text, &err) >= 0)
		model = model_parse(buf_str(&text), text.len, &err);
	if (model != NULL)
		judge_release(svc, model, &vs);
	own = masks_of_model(model);
	sentences = violations_text(&vs);
	masks_hide_str(svc->masks, &sentences);
	masks_hide_str(own, &sentences);
	masks_free(own);
	breach = str_one_line(sentences);
	if (breach[0] != '\0' && !str_eq(breach, svc->breach))
		log_warn(
		    "release %lld goes on as it was approved, although the rules of today refuse it: %s service=%s",
		    (long long)svc->row.release, breach, svc->conf->name);
	str_set(&svc->breach, breach);
}
