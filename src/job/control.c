#include "job/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"

enum { READ_BYTES = 4096 };

static int
refuse_name(const char *name, const char *why, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(512);

	buf_vis(&shown, name, strlen(name), false);
	return err_set(err, EINVAL, "the ref \"%s\" %s", buf_str(&shown), why);
}

int
control_add_ref(struct control_refs *refs, const char *line, size_t len, struct err *err)
{
	auto_free char *text = str_printf("%.*s", (int)len, line);
	struct pushline_ref *ref = &refs->v[refs->n];
	char *save = NULL;
	const char *old = strtok_r(text, " ", &save);
	const char *new = strtok_r(NULL, " ", &save);
	const char *name = save;
	struct err why = ERR_INIT;

	if (refs->n == PUSH_REFS_MAX)
		return err_set(
		    err, EINVAL, "too many refs at once: a push may have one branch and %d tags", PUSH_REFS_MAX - 1);
	if (old == NULL || new == NULL || !str_is_oid(old) || !str_is_oid(new))
		return err_set(err, EINVAL, "git's list of refs is not understood");
	if (pushline_check_name(name, &why) < 0)
		return refuse_name(name, why.msg, err);
	*ref = (struct pushline_ref){0};
	snprintf(ref->old, sizeof(ref->old), "%s", old);
	snprintf(ref->new, sizeof(ref->new), "%s", new);
	snprintf(ref->name, sizeof(ref->name), "%s", name);
	refs->n++;
	return 0;
}

static int
send_question(enum pushline_word question, const struct control_refs *refs, struct err *err)
{
	auto_buf struct buf b = BUF_INIT((PUSH_REFS_MAX + 2) * (PUSHLINE_MAX + 1));

	pushline_add(&b, question, NULL);
	for (size_t i = 0; i < refs->n; i++)
		pushline_add_ref(&b, &refs->v[i]);
	pushline_add(&b, PUSHLINE_END, NULL);
	return io_write_all(CONTROL_FD, b.data, b.len, err);
}

/* One line of core's. 1 when the answer is there: *ret_yes. */
static int
take_line(const char *line, size_t len, bool *ret_yes, char *ret_no, struct err *err)
{
	struct pushline l;

	if (pushline_parse(line, len, &l, err) < 0)
		return -err->num;
	if (l.word == PUSHLINE_SAY) {
		fprintf(stderr, "%s\n", l.text); /* core has made it plain */
		return 0;
	}
	if (l.word != PUSHLINE_OK && l.word != PUSHLINE_NO)
		return err_set(err, EBADMSG, "core gives no answer");
	*ret_yes = l.word == PUSHLINE_OK;
	snprintf(ret_no, PUSHLINE_MAX + 1, "%s", l.text);
	return 1;
}

/* What is true of a push whose core has gone: it looks at the deploy when it is back. */
static const char *const after[] = {
    [PUSHLINE_ASK] = "nothing of this push was kept, so push again in a moment",
    [PUSHLINE_DEPLOY] = "when it is back, what it had begun to change is brought to its end, which decides about the "
			"branch: `logs deploy` tells",
};

static int
await_answer(enum pushline_word question, bool *ret_yes, char *ret_no, struct err *err)
{
	auto_buf struct buf in = BUF_INIT(PUSHLINE_MAX + 1 + READ_BYTES);

	for (;;) {
		char chunk[READ_BYTES];
		const char *end = in.len > 0 ? memchr(in.data, '\n', in.len) : NULL;
		ssize_t n;

		if (end != NULL) {
			size_t len = (size_t)(end - in.data);
			int r = take_line(in.data, len, ret_yes, ret_no, err);

			buf_drop(&in, len + 1);
			if (r != 0)
				return r;
			continue;
		}
		if (in.len > PUSHLINE_MAX)
			return err_set(err, EBADMSG, "core says a line without end");
		n = read(CONTROL_FD, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, ECONNRESET, "pgod was interrupted: %s", after[question]);
		buf_add(&in, chunk, (size_t)n);
	}
}

int
control_ask(enum pushline_word question, const struct control_refs *refs, char *ret_no, struct err *err)
{
	bool yes = false;

	if (send_question(question, refs, err) < 0)
		return err_wrap(err, "core cannot be asked");
	if (await_answer(question, &yes, ret_no, err) < 0)
		return -err->num;
	return yes;
}
