/* history and deploys: what was deployed, when, by whom, why, and how it went. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "compose/model.h"
#include "core/client.h"
#include "core/journal.h"
#include "core/op.h"
#include "core/service.h"

enum {
	SHOWN_DEFAULT = 20, /* deploys */
	WHY_WIDTH = 100,    /* bytes of the last column */
	COLUMNS = 8,
	ROW_LABEL = 10,
};

static double
seconds(int64_t from_ms, int64_t to_ms)
{
	return to_ms > from_ms ? (double)(to_ms - from_ms) / 1000 : 0;
}

static bool
runs_still(const struct store_deploy *d)
{
	return d->ended_ms == 0;
}

/* --- history --- */

struct table {
	char **cells; /* rows of COLUMNS; owned */
	size_t rows;
	size_t widths[COLUMNS];
};

static void
table_done(struct table *t)
{
	for (size_t i = 0; i < t->rows * COLUMNS; i++)
		free(t->cells[i]);
	free(t->cells);
}

/* Takes the texts. */
static void
table_add(struct table *t, char *const take_cells[COLUMNS])
{
	char **grown = realloc(t->cells, (t->rows + 1) * COLUMNS * sizeof(*grown));

	if (grown == NULL)
		abort();
	t->cells = grown;
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t len = strlen(take_cells[i]);

		t->cells[t->rows * COLUMNS + i] = take_cells[i];
		if (len > t->widths[i])
			t->widths[i] = len;
	}
	t->rows++;
}

/* The last column is not padded: it may be long, and hold more than ASCII. */
static void
table_print(const struct table *t, struct buf *out)
{
	for (size_t r = 0; r < t->rows; r++) {
		char *const *row = t->cells + r * COLUMNS;
		size_t last = COLUMNS - 1;

		while (last > 0 && row[last][0] == '\0')
			last--;
		for (size_t i = 0; i < last; i++)
			buf_printf(out, "%-*s  ", (int)t->widths[i], row[i]);
		buf_printf(out, "%s\n", row[last]);
	}
}

/* One line: what went wrong, else why containers were replaced. The caller frees. */
static char *
why_text(const struct store_deploy *d)
{
	const char *text = d->reason[0] != '\0' ? d->reason : d->why;
	auto_buf struct buf out = BUF_INIT(WHY_WIDTH);

	for (size_t i = 0; text[i] != '\0'; i++) {
		if (text[i] == '\n')
			buf_str_add(&out, text[i + 1] != '\0' ? "; " : "");
		else {
			size_t len = strcspn(text + i, "\n");

			buf_vis(&out, text + i, len, false);
			i += len - 1;
		}
	}
	return out.full ? str_printf("%s…", buf_str(&out)) : buf_take(&out);
}

static bool
add_row(void *ctx, const struct store_deploy *d)
{
	char when[IO_UTC_TEXT];

	io_utc_text(d->begun_ms, when);
	table_add(ctx, (char *const[COLUMNS]){
			   str_printf("%lld", (long long)d->id),
			   str_dup(when),
			   str_dup(d->trigger),
			   str_printf("%.8s", d->commit),
			   d->release != 0 ? str_printf("%lld", (long long)d->release) : str_dup("-"),
			   runs_still(d) ? str_printf("at %s", d->step) : str_dup(d->outcome),
			   runs_still(d) ? str_dup("-") : str_printf("%.1f s", seconds(d->begun_ms, d->ended_ms)),
			   why_text(d),
		       });
	return true;
}

static json_t *
null_if(int64_t n)
{
	return n != 0 ? json_integer(n) : json_null();
}

static json_t *
deploy_json(const struct store_deploy *d)
{
	return json_pack("{sI so so so so so so so so sI so}", "id", (json_int_t)d->id, "trigger",
	    client_text_json(d->trigger), "who", client_text_json(d->who), "commit", client_text_json(d->commit),
	    "release", null_if(d->release), "step", client_text_json(d->step), "outcome", client_text_json(d->outcome),
	    "reason", client_text_json(d->reason), "why", client_text_json(d->why), "begun_ms", (json_int_t)d->begun_ms,
	    "ended_ms", null_if(d->ended_ms));
}

static bool
add_json(void *ctx, const struct store_deploy *d)
{
	json_array_append_new(ctx, deploy_json(d));
	return true;
}

static void
history_json(struct client *c, int64_t limit)
{
	const struct service *svc = c->svc;
	auto_json json_t *list = json_array();
	auto_json json_t *all = json_pack("{ss sO}", "service", svc->name, "deploys", list);
	struct err err = ERR_INIT;

	if (store_deploy_each(svc->core->store, svc->conf->name, limit, add_json, list, &err) < 0)
		client_answer(c, 2, 500, "%s\n", err.msg);
	else
		client_answer_json(c, 0, all);
}

void
history_run(struct client *c, const struct op *op, const struct strv *args)
{
	static const char *const heads[COLUMNS] = {
	    "ID", "BEGUN (UTC)", "TRIGGER", "COMMIT", "RELEASE", "OUTCOME", "TOOK", "WHY"};
	const char *tail = op_value(args, "--tail");
	auto_buf struct buf out = BUF_INIT(1024 * 1024);
	char *cells[COLUMNS];
	struct table t = {0};
	struct err err = ERR_INIT;
	int64_t limit = SHOWN_DEFAULT;
	int rc;

	if (tail != NULL && !str_to_int(tail, 1, STORE_DEPLOYS_KEPT + STORE_HEALS_KEPT, &limit)) {
		client_answer(c, 2, 1, "%s: -n takes a number of deploys\n", op->name);
		return;
	}
	if (op_has(args, "--json")) {
		history_json(c, limit);
		return;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = str_dup(heads[i]);
	table_add(&t, cells);
	rc = store_deploy_each(c->core->store, c->svc->conf->name, limit, add_row, &t, &err);
	table_print(&t, &out);
	if (rc < 0)
		client_answer(c, 2, 500, "%s\n", err.msg);
	else if (t.rows == 1)
		client_answer(c, 1, 0, "nothing has been deployed yet\n");
	else {
		client_output(c, 1, buf_str(&out), out.len);
		client_exit(c, 0);
	}
	table_done(&t);
}

/* --- deploys N --- */

int
history_find(struct client *c, const struct strv *operands, struct store_deploy *ret)
{
	const struct service *svc = c->svc;
	struct store *store = svc->core->store;
	struct err err = ERR_INIT;
	int64_t id = 0;
	int rc;

	if (operands->n > 1 || (operands->n == 1 && !str_to_int(operands->v[0], 1, INT64_MAX, &id))) {
		client_answer(c, 2, 1, "which deploy? a number that history shows\n");
		return 0;
	}
	rc = id != 0 ? store_deploy_get(store, svc->conf->name, id, ret, &err)
		     : store_deploy_last(store, svc->conf->name, ret, &err);
	if (rc < 0)
		client_answer(c, 2, 500, "%s\n", err.msg);
	else if (rc == 0 && id != 0)
		client_answer(c, 2, 1, "there is no record of deploy %lld\n", (long long)id);
	else if (rc == 0)
		client_answer(c, 2, 1, "nothing has been deployed yet\n");
	return rc > 0;
}

struct step_time {
	char *name;
	int64_t begun_ms;
};

struct step_times {
	struct step_time *v;
	size_t n;
};

static bool
add_step(void *ctx, const char *step, int64_t begun_ms)
{
	struct step_times *steps = ctx;
	struct step_time *grown = realloc(steps->v, (steps->n + 1) * sizeof(*grown));

	if (grown == NULL)
		abort();
	steps->v = grown;
	steps->v[steps->n++] = (struct step_time){str_dup(step), begun_ms};
	return true;
}

static void
steps_done(struct step_times *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		free(steps->v[i].name);
	free(steps->v);
}

/* How long a step took: until the next began, or the deploy ended, or now. */
static double
step_seconds(const struct step_times *steps, size_t i, const struct store_deploy *d)
{
	int64_t end = i + 1 < steps->n ? steps->v[i + 1].begun_ms : runs_still(d) ? io_wall_ms() : d->ended_ms;

	return seconds(steps->v[i].begun_ms, end);
}

/* "label     text"; what follows a newline stands below the text. */
static void
row(struct buf *out, const char *label, const char *text)
{
	size_t len = strcspn(text, "\n");

	buf_printf(out, "%-*s", ROW_LABEL, label);
	buf_vis(out, text, len, false);
	buf_str_add(out, "\n");
	if (text[len] == '\n' && text[len + 1] != '\0')
		row(out, "", text + len + 1);
}

static void
describe(const struct store_deploy *d, const struct step_times *steps, struct buf *out)
{
	auto_free char *what = str_printf("%lld of commit %s", (long long)d->id, d->commit);
	auto_free char *asked = str_printf("%s%s%s", d->trigger, d->who[0] != '\0' ? ", " : "", d->who);
	auto_free char *outcome = str_printf("%s%s%s", d->outcome, d->reason[0] != '\0' ? ": " : "", d->reason);
	auto_free char *release = str_printf("%lld", (long long)d->release);
	auto_free char *took = NULL;
	char when[IO_UTC_TEXT];

	io_utc_text(d->begun_ms, when);
	took = runs_still(d) ? str_printf("%s UTC", when)
			     : str_printf("%s UTC, took %.1f s", when, seconds(d->begun_ms, d->ended_ms));
	row(out, "deploy", what);
	row(out, "trigger", asked);
	row(out, "begun", took);
	if (d->release != 0)
		row(out, "release", release);
	row(out, "outcome", runs_still(d) ? "runs still" : outcome);
	if (d->why[0] != '\0')
		row(out, "why", d->why);
	for (size_t i = 0; i < steps->n; i++) {
		auto_free char *step = str_printf("%-14s %6.2f s", steps->v[i].name, step_seconds(steps, i, d));

		row(out, i == 0 ? "steps" : "", step);
	}
}

static json_t *
steps_json(const struct step_times *steps, const struct store_deploy *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < steps->n; i++)
		json_array_append_new(
		    list, json_pack("{ss sI sf}", "name", steps->v[i].name, "begun_ms",
			      (json_int_t)steps->v[i].begun_ms, "seconds", step_seconds(steps, i, d)));
	return list;
}

static void
answer_deploy(struct client *c, const struct store_deploy *d, const struct step_times *steps, bool json)
{
	auto_buf struct buf log = BUF_INIT(2 * JOURNAL_MAX);
	auto_buf struct buf out = BUF_INIT(256 * 1024);
	struct err err = ERR_INIT;
	bool logged = journal_read(c->svc->conf->name, d->id, &log, &err) >= 0;

	if (json) {
		auto_json json_t *one = deploy_json(d);

		json_object_set_new(one, "steps", steps_json(steps, d));
		json_object_set_new(one, "log", logged ? client_text_json(buf_str(&log)) : json_null());
		client_answer_json(c, 0, one);
		return;
	}
	describe(d, steps, &out);
	client_output(c, 1, buf_str(&out), out.len);
	if (logged && log.len > 0) {
		client_output(c, 1, "\n", 1);
		client_output(c, 1, buf_str(&log), log.len);
	}
	client_exit(c, 0);
}

void
deploys_run(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv operands = op_operands(args);
	auto_store_deploy struct store_deploy d = {0};
	struct step_times steps = {NULL, 0};
	struct err err = ERR_INIT;

	(void)op;
	if (!history_find(c, &operands, &d))
		return;
	if (store_deploy_steps(c->core->store, d.id, add_step, &steps, &err) < 0)
		client_answer(c, 2, 500, "%s\n", err.msg);
	else
		answer_deploy(c, &d, &steps, op_has(args, "--json"));
	steps_done(&steps);
}
