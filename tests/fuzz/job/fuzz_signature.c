/* A hostile commit, and what ssh-keygen says of its signature. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "job/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);
	auto_buf struct buf why = BUF_INIT(2 << 20);
	auto_buf struct buf signer = BUF_INIT(1 << 20);
	struct commit_words words;

	buf_add(&text, data, size);
	commit_words_read((const char *)data, size, &words);
	assert(strlen(words.author) <= COMMIT_WORD_MAX && strlen(words.subject) <= COMMIT_WORD_MAX);
	signature_explain(buf_str(&text), "/proc/self/fd/10", &why);
	assert(why.len > 0);
	signature_is_judged(buf_str(&text));
	signature_signer(buf_str(&text), &signer);
	assert(signer.len == 0 || strstr(buf_str(&text), buf_str(&signer)));
	return 0;
}
