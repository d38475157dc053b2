/* The lines that the job `keys` prints: all of it comes from the repository. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/keys.h"
#include "ipc/key_from.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is told goes to logs and terminals. */
static void
must_be_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' && *text != '\t')
			abort();
	}
}

/* What the options say, said again, says the same. */
static void
must_read_back(const struct key_limits *limits)
{
	struct buf once = BUF_INIT(1 << 20);
	struct buf twice = BUF_INIT(1 << 20);
	struct key_limits again = {0};

	key_limits_text(limits, &once);
	if (once.len > 0 && key_options_parse(buf_str(&once), &again, NULL) < 0)
		abort();
	key_limits_text(&again, &twice);
	if (!str_eq(buf_str(&once), buf_str(&twice)))
		abort();
	key_limits_done(&again);
	buf_done(&once);
	buf_done(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys keys = {0};
	char print[KEYS_FINGERPRINT_SIZE];

	keys_parse((const char *)data, size, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		const struct authkey *auth = &keys.v[i].auth;

		if (keys_next(&keys, NULL, auth->blob, auth->blob_len) == NULL)
			abort();
		keys_fingerprint(auth->blob, auth->blob_len, print);
		must_be_plain(auth->comment);
		must_be_plain(keys.v[i].file);
		must_read_back(&auth->limits);
		if (auth->limits.from != NULL) {
			(void)key_from_matches(auth->limits.from, "192.0.2.1");
			(void)key_from_matches(auth->limits.from, "2001:db8::1");
			if (key_from_check(auth->limits.from, NULL) < 0)
				abort();
		}
	}
	for (size_t i = 0; i < keys.problems.n; i++)
		must_be_plain(keys.problems.v[i]);
	keys_done(&keys);
	return 0;
}
