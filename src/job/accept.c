/* The refs of a push, once it is known what became of it: all of them move, or none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "job/git.h"
#include "job/repo.h"

enum {
	CHANGES_MAX_BYTES = 64 << 10, /* a branch and 64 tags, each with the ref that protects it */
	REFS_MAX_BYTES = 4 << 20,
	OID_SIZE = 65,
	NAME_SIZE = 320,
};

/* One line of stdin: "OLD NEW NAME". OLD "*": whatever stands there; NEW of zeros: the ref goes. */
struct change {
	char old[OID_SIZE];
	char new[OID_SIZE];
	char name[NAME_SIZE];
};

static bool
is_none(const char *oid)
{
	return oid[strspn(oid, "0")] == '\0';
}

/* Others belong to the pipeline. */
static bool
may_change(const char *name)
{
	return str_starts(name, "refs/heads/") || str_starts(name, "refs/tags/") || str_starts(name, REPO_PUSHED) ||
	       str_eq(name, REPO_TRACKED);
}

static int
parse_change(const char *line, struct change *ret, struct err *err)
{
	int end = 0;

	if (sscanf(line, "%64[0-9a-f*] %64[0-9a-f] %319[^ \n]%n", ret->old, ret->new, ret->name, &end) != 3 ||
	    line[end] != '\0' || !(str_eq(ret->old, "*") || str_is_oid(ret->old)) || !str_is_oid(ret->new) ||
	    !may_change(ret->name))
		return err_set(err, EBADMSG, "this is no change of a ref: %s", line);
	return 0;
}

/* What the ref is now, "" when there is none. refs: lines "OID NAME", each with its end. */
static void
find_ref(const char *refs, const char *name, char ret[OID_SIZE])
{
	auto_free char *end = str_printf(" %s\n", name);
	const char *at = strstr(refs, end);
	const char *begin = at;

	ret[0] = '\0';
	if (at == NULL)
		return;
	while (begin > refs && begin[-1] != '\n')
		begin--;
	snprintf(ret, OID_SIZE, "%.*s", (int)(at - begin), begin);
}

/* Nobody but core moves them: another value than the pusher has seen means that somebody did by hand. What stands there
 * already was put there by an earlier run that nobody heard of. */
static int
add_change(const struct change *c, const char *refs, struct buf *ret)
{
	char now[OID_SIZE];

	find_ref(refs, c->name, now);
	if (is_none(c->new) ? now[0] == '\0' : str_eq(now, c->new))
		return JOB_OK;
	if (!str_eq(c->old, "*") && !str_eq(is_none(c->old) ? "" : c->old, now)) {
		job_say("%s is at %.12s, and not at %.12s any more, which it was to be moved from", c->name,
		    now[0] != '\0' ? now : "nothing", c->old);
		return JOB_REFUSED;
	}
	if (is_none(c->new))
		buf_printf(ret, "delete %s %s\n", c->name, now);
	else
		buf_printf(ret, "update %s %s%s%s\n", c->name, c->new, str_eq(c->old, "*") ? "" : " ",
		    str_eq(c->old, "*") ? "" : c->old);
	return JOB_OK;
}

static int
read_changes(char *text, const char *refs, struct buf *ret, struct err *err)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct change c;
		int r = parse_change(line, &c, err);

		if (r >= 0)
			r = add_change(&c, refs, ret);
		if (r != JOB_OK)
			return r;
	}
	return ret->full ? err_set(err, EFBIG, "the push changes too many refs") : JOB_OK;
}

int
verb_accept(const struct job *job, char *const *operands, struct err *err)
{
	static const char *const list_args[] = {"for-each-ref", "--format=%(objectname) %(refname)", NULL};
	static const char *const args[] = {"update-ref", "--stdin", NULL};
	auto_buf struct buf in = BUF_INIT(CHANGES_MAX_BYTES);
	auto_buf struct buf refs = BUF_INIT(REFS_MAX_BYTES);
	auto_buf struct buf changes = BUF_INIT(2 * CHANGES_MAX_BYTES);
	auto_free char *text = NULL;
	int r;

	(void)operands;
	if (io_read_all(STDIN_FILENO, &in, err) < 0)
		return -err->num;
	repo_clear_locks(job);
	if (git_do(job, &(struct git_call){.args = list_args, .out = &refs}, "cannot list refs", err) < 0)
		return -err->num;
	text = buf_take(&in);
	r = read_changes(text, buf_str(&refs), &changes, err);
	if (r == JOB_OK && changes.len > 0)
		r = git_do(job, &(struct git_call){.args = args, .in = buf_str(&changes), .in_len = changes.len},
		    "cannot move the branch", err);
	/* Each push has brought a pack, and it is now that all that is needed has a name. */
	if (r == JOB_OK)
		repo_maintain(job);
	return r;
}
