/* The commits that can be gone back to without the remote: a ref of its own for each, so that no force push and no gc
 * takes them. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/git.h"
#include "job/repo.h"

enum { REFS_TEXT_MAX_BYTES = 1 << 20 };

/* Damage may have taken an old one: that is said, and holds up nothing that is newer. */
static bool
can_be_kept(const struct job *job, const char *oid)
{
	if (repo_has_whole(job, oid))
		return true;
	job_say("commit %.12s is no longer here: it cannot be gone back to", oid);
	return false;
}

int
repo_keep_releases(const struct job *job, const struct strv *oids, const char *live, struct err *err)
{
	static const char *const args[] = {"update-ref", "--stdin", NULL};
	auto_strv struct strv wanted = {0};
	auto_strv struct strv refs = {0};
	auto_buf struct buf in = BUF_INIT(REFS_TEXT_MAX_BYTES);

	for (size_t i = 0; i < oids->n; i++)
		strv_add_take(&wanted, str_printf(REPO_RELEASE "%s", oids->v[i]));
	if (repo_list_refs(job, NULL, REPO_RELEASE, &refs, err) < 0)
		return -err->num;
	if (live)
		buf_printf(&in, "update %s %s\n", REPO_LIVE, live);
	for (size_t i = 0; i < refs.n; i++)
		if (!strv_has(&wanted, refs.v[i]))
			buf_printf(&in, "delete %s\n", refs.v[i]);
	for (size_t i = 0; i < oids->n; i++) {
		if (strv_has(&refs, wanted.v[i]) || !can_be_kept(job, oids->v[i]))
			continue;
		buf_printf(&in, "update %s %s\n", wanted.v[i], oids->v[i]);
		strv_add(&refs, wanted.v[i]);
	}
	if (in.len == 0)
		return 0;
	return git_do(job, &(struct git_call){.args = args, .in = buf_str(&in), .in_len = in.len},
	    "cannot note the checkout", err);
}
