/* Words of a hostile compose file, and what compose and git say about it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/git.h"
#include "job/names.h"
#include "job/tree.h"
#include "job/unset.h"
#include "job/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_word(void *arg, const char *word)
{
	auto_free char *path = names_resolve("/srv/live", "a/b", word);

	(void)arg;
	assert(strlen(word) > 0 && strlen(word) <= NAMES_WORD_MAX);
	assert(!path || (tree_path_is_safe(path) && path[0] != '/'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT(1 << 20);
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	auto_buf struct buf line = BUF_INIT(1 << 20);
	auto_strv struct strv unset = {0};

	buf_add(&text, data, size);
	names_each_word(buf_str(&text), text.len, check_word, NULL);
	git_clean_words(&words, buf_str(&text), "secret");
	assert(words.len <= GIT_WORDS_MAX + 8 && !strstr(buf_str(&words), "secret"));
	words_clean_line(&line, buf_str(&text));
	unset_names(buf_str(&text), &unset);
	assert(unset.n <= UNSET_MAX);
	for (size_t i = 0; i < unset.n; i++)
		unset_line(buf_str(&text), unset.v[i]);
	words_name_outside(buf_str(&text), "/srv/live");
	git_branch_is_valid(buf_str(&text));
	return 0;
}
