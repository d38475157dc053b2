/* What a hook says to core: it runs as an account that the app's own containers may have. What parses can be spoken of
 * in a line, and is written as it came. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "ipc/pushline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check_ref(const struct pushline_ref *ref, const uint8_t *data, size_t size)
{
	auto_buf struct buf b = BUF_INIT(2 * PUSHLINE_MAX);

	must(str_is_oid(ref->old) && str_is_oid(ref->new) && strlen(ref->old) == strlen(ref->new));
	must(str_starts(ref->name, "refs/") && strpbrk(ref->name, " \t\r\n\x1b\x7f") == NULL);
	pushline_add_ref(&b, ref);
	must(b.len == size + 1 && memcmp(b.data, data, size) == 0);
}

static void
check_text(const struct pushline *l)
{
	auto_buf struct buf b = BUF_INIT(2 * PUSHLINE_MAX);

	pushline_add(&b, l->word, l->text);
	must(b.len <= PUSHLINE_MAX + 1 && strchr(b.data, '\n') == b.data + b.len - 1);
	must(strpbrk(b.data, "\r\x1b\x7f\b") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pushline l;
	struct err err = ERR_INIT;
	int r = pushline_parse((const char *)data, size, &l, &err);

	must(r == 0 || (r == -err.num && err.msg[0] != '\0'));
	if (r == 0 && l.word == PUSHLINE_REF)
		check_ref(&l.ref, data, size);
	else if (r == 0)
		check_text(&l);
	return 0;
}
