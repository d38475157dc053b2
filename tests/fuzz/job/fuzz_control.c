/* A line in which git tells a hook of a change: its names are the client's. What is taken comes to core as it was. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "job/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* core reads it, or refuses it: object names of two lengths are none of git's. */
static void
check(const struct pushline_ref *ref)
{
	auto_buf struct buf b = BUF_INIT(2 * PUSHLINE_MAX);
	struct err err = ERR_INIT;
	struct pushline l;

	must(str_is_oid(ref->old) && str_is_oid(ref->new) && str_starts(ref->name, "refs/"));
	pushline_add_ref(&b, ref);
	must(!b.full && strchr(buf_str(&b), '\n') == b.data + b.len - 1);
	if (strlen(ref->old) != strlen(ref->new)) {
		must(pushline_parse(b.data, b.len - 1, &l, &err) < 0);
		return;
	}
	must(pushline_parse(b.data, b.len - 1, &l, &err) == 0 && l.word == PUSHLINE_REF);
	must(str_eq(l.ref.old, ref->old) && str_eq(l.ref.new, ref->new) && str_eq(l.ref.name, ref->name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control_refs refs;
	struct err err = ERR_INIT;
	int r;

	refs.n = 0;
	r = control_add_ref(&refs, (const char *)data, size, &err);
	must((r == 0 && refs.n == 1) || (r == -EINVAL && refs.n == 0 && err.msg[0] != '\0'));
	if (r == 0)
		check(&refs.v[0]);
	return 0;
}
