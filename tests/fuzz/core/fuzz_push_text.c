/* What a pusher's terminal gets of builds, of commits and of reasons: all of it is foreign. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/push_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const marks[] = {"-----> ", "       ", " !     ", "=====> "};

struct told {
	struct push_text t;
	const char *mark; /* what may be told now */
};

/* Nothing moves a cursor, and what is foreign gets no other mark than its own. */
static void
tell(void *ctx, const char *line)
{
	const struct told *told = ctx;

	if (strncmp(line, told->mark, strlen(told->mark)) != 0)
		abort();
	for (const char *c = line; *c != '\0'; c++) {
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = str_printf("%.*s", (int)size, (const char *)data);
	struct told told = {.mark = marks[1]};
	static const char note[] = "== build\n";

	push_text_init(&told.t, tell, &told);
	for (size_t at = 0; at < size; at += 7)
		push_text_add(&told.t, (const char *)data + at, size - at < 7 ? size - at : 7);
	push_text_detail(&told.t, text);
	told.mark = marks[2];
	push_text_error(&told.t, text);
	told.mark = marks[0];
	push_text_note(&told.t, (const char *)data, size);
	push_text_note(&told.t, note, sizeof(note) - 1);
	told.mark = marks[3];
	push_text_deployed(&told.t, &(struct strv){NULL, 0});
	push_text_done(&told.t);
	return 0;
}
