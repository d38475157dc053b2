/* A secret, up to the first newline, and a text of somebody who knows it; and a mask that nobody made. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/mask.h"
#include "conf/masks.h"
#include "core/masks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *input = str_printf("%.*s", (int)size, (const char *)data);
	size_t len = strcspn(input, "\n");
	auto_free char *secret = str_printf("V=%.*s", (int)len, input);
	auto_free char *text = str_dup(input + len);
	auto_strv struct strv list = {0};
	struct masks *masks;
	struct mask mask;

	if (mask_parse(input, &mask, NULL) == 0)
		assert(mask.len > 0 && strlen(mask.digest) == MASK_DIGEST - 1);
	masks_of_env(secret, &list);
	masks_of_login("u", secret + 2, &list);
	masks = masks_new(&list);
	masks_hide_str(masks, &text);
	/* What stands in its place can make it anew. */
	if (len >= MASK_VALUE_MIN && strpbrk(secret + 2, "${}V*") == NULL)
		assert(strstr(text, secret + 2) == NULL);
	masks_free(masks);
	return 0;
}
