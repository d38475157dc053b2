/* A file of variables that somebody imports: what is taken from it comes back from each form that it is exported in. */
#include <assert.h>
#include <stdint.h>

#include "core/vars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_vars struct vars vars = {0};
	struct err err = ERR_INIT;

	if (vars_import((const char *)data, size, &vars, &err) < 0) {
		assert(vars.n == 0 && err.msg[0] != '\0');
		return 0;
	}
	assert(vars.n <= VARS_MAX);
	for (int format = VARS_DOTENV; format <= VARS_JSON; format++) {
		auto_buf struct buf text = BUF_INIT(64 * VARS_BYTES_MAX);
		auto_vars struct vars back = {0};

		vars_export(&vars, (enum vars_format)format, &text);
		assert(vars_import(buf_str(&text), text.len, &back, &err) == 0);
		assert(vars_equal(&vars, &back));
	}
	return 0;
}
