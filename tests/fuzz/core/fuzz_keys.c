/* The lines that the job `keys` prints: all of it comes from the repository. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys keys = KEYS_INIT;
	struct buf warnings = BUF_INIT(KEYS_WARNINGS_MAX);
	char print[KEYS_FINGERPRINT_SIZE];

	keys_parse((const char *)data, size, &keys, &warnings);
	for (size_t i = 0; i < keys.n; i++) {
		if (!keys_has(&keys, keys.v[i].blob, keys.v[i].blob_len))
			abort();
		keys_fingerprint(keys.v[i].blob, keys.v[i].blob_len, print);
	}
	for (size_t i = 0; i < warnings.len; i++) {
		if ((unsigned char)warnings.data[i] < ' ' && warnings.data[i] != '\n' && warnings.data[i] != '\t')
			abort();
	}
	keys_done(&keys);
	buf_done(&warnings);
	return 0;
}
