/* What upload-pack says of a hostile repository, and a URL that may be one's path. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/lsrefs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);
	char oid[REMOTE_OID_SIZE] = "";
	const char *path;

	buf_add(&text, data, size);
	if (lsrefs_pick(buf_str(&text), text.len, "refs/heads/main", oid))
		assert(str_is_oid(oid) && memmem(data, size, oid, strlen(oid)));
	else
		assert(oid[0] == '\0');
	path = lsrefs_path(buf_str(&text));
	assert(!path || path[0] == '/');
	return 0;
}
