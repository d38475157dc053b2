/* A hostile Dockerfile and hostile config vars: whatever is made of them is one service and what was allowed. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "job/appmodel.h"
#include "job/appvars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is every quotation mark closed, every bracket matched? Then no value has become a key. */
static int
depth_of(const char *text, size_t len)
{
	int depth = 0, quoted = 0;

	for (size_t i = 0; i < len; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += strchr("{[", text[i]) != NULL ? 1 : strchr("}]", text[i]) != NULL ? -1 : 0;
		assert(depth >= 0 && (quoted || text[i] != '\0'));
	}
	return quoted ? -1 : depth;
}

static void
add_vars(struct strv *vars, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i += strlen(text + i) + 1) {
		if (appvars_ok(text + i))
			strv_add(vars, text + i);
	}
}

static void
make(const struct directives *found, const struct strv *vars, const struct strv *allowed)
{
	auto_buf struct buf out = BUF_INIT(1 << 24);
	auto_strv struct strv complaints = {0};

	appmodel_write(
	    &(struct app_source){
		.kind = APP_DOCKERFILE, .name = "app", .vars = vars, .allowed = allowed, .found = found},
	    &out, &complaints);
	if (complaints.n > 0 || out.full)
		return;
	assert(depth_of(buf_str(&out), out.len) == 0);
	if (allowed->n > 0)
		return;
	/* Nothing but NO_HTTP_PROXY goes without leave. */
	for (size_t i = 0; i < found->n; i++)
		assert(found->v[i].word == DIRECTIVE_NO_HTTP_PROXY);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf file = BUF_INIT(1 << 20);
	auto_buf struct buf env = BUF_INIT(1 << 20);
	auto_directives struct directives found = {NULL, 0};
	auto_strv struct strv vars = {0};
	auto_strv struct strv allowed = {0};
	size_t half = size == 0 ? 0 : (size_t)data[0] * (size - 1) / 255;
	struct err err = ERR_INIT;

	if (size == 0)
		return 0;
	buf_add(&file, data + 1, half);
	buf_add(&env, data + 1 + half, size - 1 - half);
	add_vars(&vars, buf_str(&env), env.len);
	if (directives_read(buf_str(&file), file.len, &found, &err) < 0)
		return 0;
	make(&found, &vars, &allowed);
	for (int i = 0; i < DIRECTIVE_WORDS; i++)
		strv_add(&allowed, directive_name(i));
	make(&found, &vars, &allowed);
	return 0;
}
