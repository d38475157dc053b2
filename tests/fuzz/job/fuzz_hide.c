/* A hostile env file, and what compose says about it: the first byte tells how much of the input is the file. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "job/hide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf file = BUF_INIT(1 << 20);
	auto_buf struct buf words = BUF_INIT(1 << 20);
	auto_strv struct strv values = {0};
	size_t half = size == 0 ? 0 : (size_t)data[0] * (size - 1) / 255;

	if (size == 0)
		return 0;
	buf_add(&file, data + 1, half);
	buf_add(&words, data + 1 + half, size - 1 - half);
	hide_values(buf_str(&file), size % 2 == 0, &values);
	hide_in(&words, &values);
	/* Stars can make one anew. */
	for (size_t i = 0; !words.full && i < values.n; i++)
		assert(strlen(values.v[i]) >= HIDE_MIN &&
		       (strchr(values.v[i], '*') != NULL || strstr(buf_str(&words), values.v[i]) == NULL));
	return 0;
}
