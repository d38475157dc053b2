/* The table of a list whose every text is hostile: nothing in it may steer a terminal. The first byte chooses the
 * options. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ps_options opt = PS_OPTIONS_INIT;
	struct buf out = BUF_INIT(1 << 20);
	struct ps_input in = {.project = "p", .now = 1795221019};
	json_t *list;

	if (size < 1)
		return 0;
	opt.all = (data[0] & 1) != 0;
	opt.json = (data[0] & 2) != 0;
	opt.no_trunc = (data[0] & 4) != 0;
	opt.services = (data[0] & 8) != 0;
	opt.quiet = (data[0] & 16) != 0;
	in.list = list = json_loadb((const char *)data + 1, size - 1, JSON_ALLOW_NUL, NULL);
	(void)ps_render(&in, &opt, &out, NULL);
	for (size_t i = 0; i < out.len; i++) {
		if (((unsigned char)out.data[i] < ' ' && out.data[i] != '\n') || out.data[i] == 0x7f)
			abort();
	}
	json_decref(list);
	buf_done(&out);
	return 0;
}
