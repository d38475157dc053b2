/* `journal`: what pgod's log says of the service, now and as it comes. */
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/io.h"
#include "compose/model.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"
#include "core/svclog.h"

enum { PRINTED_MAX = 16 * SVCLOG_MAX }; /* as JSON, with everything in it escaped */

/* The first moment that is asked for, as the lines have it: "10m" ago, or a time as far as it is written. Empty: any.
 */
static bool
parse_since(const char *text, char ret[SVCLOG_TIME])
{
	int64_t ms = 0;

	ret[0] = '\0';
	if (text == NULL)
		return true;
	if (str_to_duration_ms(text, &ms)) {
		svclog_time((io_wall_ms() - ms) / 1000, ret);
		return true;
	}
	if (strlen(text) < strlen("2026-11-21") || strlen(text) >= SVCLOG_TIME ||
	    text[strspn(text, "0123456789-T:Z")] != '\0')
		return false;
	snprintf(ret, SVCLOG_TIME, "%s", text);
	return true;
}

/* A line of the journal, "TIME WORD TEXT", for programs. */
static void
add_json(const char *line, size_t len, struct buf *out)
{
	const char *word = memchr(line, ' ', len);
	const char *text = word == NULL ? NULL : memchr(word + 1, ' ', len - (size_t)(word + 1 - line));
	auto_json json_t *object = NULL;
	auto_free char *document = NULL;

	if (text == NULL)
		return;
	object = json_pack("{ss%ss%ss%}", "time", line, (size_t)(word - line), "level", word + 1,
	    (size_t)(text - word - 1), "text", text + 1, len - (size_t)(text + 1 - line));
	document = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
	if (document != NULL)
		buf_printf(out, "%s\n", document);
}

static void
add_line(const struct client *c, const char *line, size_t len, struct buf *out)
{
	if (c->json)
		add_json(line, len > 0 && line[len - 1] == '\n' ? len - 1 : len, out);
	else
		buf_add(out, line, len);
}

static void
on_line(void *ctx, const char *data, size_t len)
{
	struct client *c = ctx;
	auto_buf struct buf out = BUF_INIT(PRINTED_MAX);

	add_line(c, data, len, &out);
	client_output(c, 1, buf_str(&out), out.len);
}

/* The last n lines of what is not older than since; all of them when n is negative. */
static const char *
first_line(const char *text, size_t len, const char *since, int64_t n)
{
	const char *end = text + len;
	const char *at = end;

	while (at > text && n != 0) {
		const char *before = at - 1;

		while (before > text && before[-1] != '\n')
			before--;
		if (strncmp(before, since, strlen(since)) < 0)
			break;
		at = before;
		n--;
	}
	return at;
}

static void
print_kept(struct client *c, const char *since, int64_t n)
{
	auto_buf struct buf text = BUF_INIT(4 * SVCLOG_MAX);
	auto_buf struct buf out = BUF_INIT(PRINTED_MAX);
	struct err err = ERR_INIT;
	const char *at;
	const char *end;

	if (svclog_read(c->svc->conf->name, &text, &err) < 0) {
		client_output(c, 2, err.msg, strlen(err.msg));
		client_output(c, 2, "\n", 1);
		return;
	}
	at = first_line(buf_str(&text), text.len, since, n);
	for (; *at != '\0'; at = end) {
		end = strchr(at, '\n');
		end = end == NULL ? at + strlen(at) : end + 1;
		add_line(c, at, (size_t)(end - at), &out);
	}
	client_output(c, 1, buf_str(&out), out.len);
}

void
journal_run(struct client *c, const struct op *op, const struct strv *args)
{
	const char *tail = op_value(args, "--tail");
	char since[SVCLOG_TIME];
	int64_t n = -1;

	if (tail != NULL && !str_eq(tail, "all") && !str_to_int(tail, 0, INT32_MAX, &n)) {
		client_answer(c, 2, 1, "%s: -n takes a number of lines, or all\n", op->name);
		return;
	}
	if (!parse_since(op_value(args, "--since"), since)) {
		client_answer(c, 2, 1, "%s: --since takes a time like 10m or 2026-11-21T10:00:00Z\n", op->name);
		return;
	}
	c->json = op_has(args, "--json");
	print_kept(c, since, n);
	if (!op_has(args, "-f") && !op_has(args, "--follow")) {
		client_exit(c, 0);
		return;
	}
	c->reader = (struct svclog_follower){.service = c->svc->conf->name, .text = on_line, .ctx = c};
	svclog_follow(&c->reader);
}
