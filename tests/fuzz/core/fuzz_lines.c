/* What programs print while people watch: all of it is foreign. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines are bounded, each ends where it says, and nothing in them moves a cursor. */
static void
tell(void *ctx, const char *text, size_t len)
{
	size_t *told = ctx;

	if (len == 0 || len > LINES_MAX + 1 || memchr(text, '\x1b', len) != NULL || memchr(text, '\r', len) != NULL)
		abort();
	if (memchr(text, '\n', len - 1) != NULL)
		abort();
	*told += len;
}

/* In two pieces the same comes out as in one. */
static size_t
run(const uint8_t *data, size_t size, size_t cut)
{
	struct lines l = LINES_INIT;
	size_t told = 0;

	lines_add(&l, (const char *)data, cut, tell, &told);
	lines_add(&l, (const char *)data + cut, size - cut, tell, &told);
	lines_end(&l, tell, &told);
	lines_done(&l);
	return told;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole = run(data, size, 0);

	if (size > 0 && (run(data, size, data[0] % size) != whole || whole > size + size / 1000 + 1))
		abort();
	return 0;
}
