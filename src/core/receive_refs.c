/* Which refs may change in one push: decided before any work, from their names alone. Pure. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "conf/rules.h"
#include "core/receive.h"

#define HEADS "refs/heads/"
#define TAGS "refs/tags/"

/* git leaves the refs to us, and with them the look at their names. */
static int
judge_name(const char *what, const char *name, struct err *err)
{
	struct err why = ERR_INIT;

	if (rule_branch(name, &why) < 0)
		return err_set(err, EINVAL, "the %s \"%s\" %s", what, name, why.msg);
	return 0;
}

static int
judge_branch(struct receive *r, const struct pushline_ref *ref, struct err *err)
{
	const char *name = ref->name + strlen(HEADS);

	if (judge_name("branch", name, err) < 0)
		return -err->num;
	if (r->change != NULL)
		return err_set(err, EINVAL,
		    "%s and %s at once: a push deploys one branch, so push one after the other; nothing was changed",
		    r->branch, name);
	r->change = ref;
	r->branch = name;
	r->deletes = pushline_is_none(ref->new);
	return 0;
}

int
receive_judge_refs(struct receive *r, struct err *err)
{
	r->change = NULL;
	r->branch = NULL;
	r->deletes = false;
	if (r->nrefs == 0)
		return err_set(err, EINVAL, "nothing is pushed");
	for (size_t i = 0; i < r->nrefs; i++) {
		const struct pushline_ref *ref = &r->refs[i];
		int rc;

		for (size_t j = 0; j < i; j++) {
			if (str_eq(r->refs[j].name, ref->name))
				return err_set(err, EINVAL, "%s twice in one push", ref->name);
		}
		if (str_starts(ref->name, HEADS))
			rc = judge_branch(r, ref, err);
		else if (str_starts(ref->name, TAGS))
			rc = judge_name("tag", ref->name + strlen(TAGS), err);
		else
			rc = err_set(
			    err, EINVAL, "%s is neither a branch nor a tag: nothing else can be pushed", ref->name);
		if (rc < 0)
			return rc;
	}
	/* Its app is destroyed, which cannot be taken back for a tag that does not find its place. */
	if (r->deletes && r->nrefs > 1)
		return err_set(err, EINVAL,
		    "a push that deletes the branch %s changes nothing else: push the rest by itself; nothing was changed",
		    r->branch);
	return 0;
}
