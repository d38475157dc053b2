/* What is uploaded as a key, and the lists of apps beside it: first a byte that tells which of the two the others are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/pushkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* What is written down is one line, says the same key, and is taken again as it stands. */
static void
check_key(const char *text, size_t len)
{
	auto_authkey struct authkey key = {0};
	auto_authkey struct authkey again = {0};
	auto_free char *line = NULL;

	if (pushkey_read(text, len, &key, NULL) < 0)
		return;
	line = pushkey_line(&key);
	for (const char *p = line; *p != '\0'; p++)
		must((unsigned char)*p >= ' ' || *p == '\t');
	must(key.limits.ops.n == 0 && key.limits.from == NULL && key.limits.until_s == 0);
	must(authkey_parse(line, &again, NULL) == 0);
	must(authkey_is(&again, key.blob, key.blob_len) && str_eq(again.type, key.type));
}

static void
check_apps(const char *list)
{
	struct pushkey k = {0};
	struct pushkey again = {0};
	auto_buf struct buf words = BUF_INIT(1 << 20);
	auto_free char *text = NULL;

	if (pushkey_read_apps(list, &k, NULL) >= 0) {
		text = pushkey_apps(&k);
		pushkey_set_apps(&again, text);
		must(again.all == k.all && again.makes == k.makes && again.apps.n == k.apps.n && !k.makes);
		for (size_t i = 0; i < k.apps.n; i++)
			must(str_is_service_name(k.apps.v[i]) && pushkey_may(&again, k.apps.v[i]));
		pushkey_rights(&k, &words);
	}
	pushkey_done(&k);
	pushkey_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = NULL;

	if (size == 0)
		return 0;
	if (data[0] % 2 == 0) {
		check_key((const char *)data + 1, size - 1);
		return 0;
	}
	text = str_printf("%.*s", (int)size - 1, (const char *)data + 1);
	check_apps(text);
	return 0;
}
