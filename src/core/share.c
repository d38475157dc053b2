#include "core/share.h"

#include "base/io.h"
#include "base/str.h"
#include "core/look.h"
#include "core/service.h"

/* Of an ssh URL the account's own keys decide who may read it, of a path its permissions. */
static bool
is_the_same_for_all(const char *repository)
{
	return str_starts(repository, "http://") || str_starts(repository, "https://") ||
	       str_starts(repository, "git://");
}

static bool
is_sibling(const struct service *svc, const struct service *other)
{
	const struct conf_service *a = svc->conf, *b = other->conf;

	return other != svc && other->ready && a->remote == b->remote &&
	       (a->uid == b->uid || is_the_same_for_all(a->repository));
}

bool
share_is_asked(const struct service *svc)
{
	const struct service *other;

	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (is_sibling(svc, other) && other->asking)
			return true;
	}
	return false;
}

void
share_answer(struct service *svc, const char *oid)
{
	struct service *other;

	svc->asking = false;
	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (!is_sibling(svc, other))
			continue;
		other->waiting = false;
		str_set(&other->heard, oid);
		other->heard_ms = io_now_ms();
		if (look_wants(other, oid))
			service_queue(other, &(struct task){.kind = TASK_LOOK, .trigger = "poll"});
		else
			look_note(other, "", false);
	}
}

void
share_failure(struct service *svc, const char *error, bool failing)
{
	struct service *other;

	svc->asking = false;
	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (!is_sibling(svc, other))
			continue;
		if (other->conf->uid == svc->conf->uid) {
			other->waiting = false;
			str_set(&other->heard, "");
			other->heard_ms = io_now_ms();
			look_note(other, error, failing);
		} else if (other->waiting) {
			other->waiting = false;
			service_queue(other, &(struct task){.kind = TASK_LOOK, .trigger = "poll"});
		}
	}
}

struct service *
share_lender(const struct service *svc, const char *oid)
{
	struct service *other;

	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (is_sibling(svc, other) && (str_eq(other->fetched, oid) || str_eq(other->row.tracked, oid)))
			return other;
	}
	return NULL;
}
