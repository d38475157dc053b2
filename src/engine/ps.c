#include "engine/ps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "engine/ps_cell.h"
#include "engine/view.h"

enum { COLUMNS = 7, CELL_MAX = 64 * 1024, SHORT_ID = 12, MOUNT_WIDTH = 15 };

/* As compose's: at least 10 wide, 3 blanks between, the last column unpadded. */
enum { COLUMN_MIN = 10, COLUMN_PAD = 3 };

/* The containers that are shown, sorted by name; all texts are borrowed from the JSON. */
struct row {
	const json_t *json;
	const char *id;
	const char *name;
	const char *service;
	enum container_state state;
};

struct rows {
	struct row *v;
	size_t n;
};

static void
rows_done(struct rows *rows)
{
	free(rows->v);
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static const char *
label(const json_t *o, const char *key)
{
	return text(json_object_get(o, "Labels"), key);
}

static const char *
row_image(const struct ps_input *in, const struct row *row)
{
	const char *written = in->image_name != NULL ? in->image_name(in->ctx, row->service) : NULL;

	return written != NULL ? written : text(row->json, "Image");
}

static bool
is_up(enum container_state state)
{
	return state == CONTAINER_RUNNING || state == CONTAINER_PAUSED || state == CONTAINER_RESTARTING;
}

static bool
is_shown(const struct ps_options *opt, const struct row *row)
{
	bool all = opt->all || opt->statuses != 0;

	if (!all && (!is_up(row->state) || str_eq(label(row->json, "com.docker.compose.oneoff"), "True")))
		return false;
	if (opt->statuses != 0 && (opt->statuses & 1u << row->state) == 0)
		return false;
	return opt->names.n == 0 || strv_has(&opt->names, row->service);
}

static int
by_name(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;
	int d = strcmp(x->name, y->name);

	return d != 0 ? d : strcmp(x->id, y->id);
}

static struct row
row_read(const json_t *o)
{
	return (struct row){.json = o,
	    .id = text(o, "Id"),
	    .name = container_list_name(json_object_get(o, "Names")),
	    .service = label(o, "com.docker.compose.service"),
	    .state = container_state_of(text(o, "State"))};
}

static int
rows_read(const struct ps_input *in, const struct ps_options *opt, struct rows *ret_rows, struct err *err)
{
	size_t n = json_array_size(in->list);
	struct rows rows = {NULL, 0};

	if (!json_is_array(in->list))
		return err_set(err, EPROTO, "the engine's list of containers is none");
	if (n > 0 && (rows.v = calloc(n, sizeof(*rows.v))) == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		struct row row = row_read(json_array_get(in->list, i));

		if (container_id_ok(row.id) && is_shown(opt, &row))
			rows.v[rows.n++] = row;
	}
	if (rows.n > 0)
		qsort(rows.v, rows.n, sizeof(*rows.v), by_name);
	*ret_rows = rows;
	return 0;
}

static void
show_ids(const struct rows *rows, struct buf *out)
{
	for (size_t i = 0; i < rows->n; i++)
		buf_printf(out, "%s\n", rows->v[i].id);
}

static void
show_services(const struct rows *rows, struct buf *out)
{
	auto_strv struct strv seen = {NULL, 0};

	for (size_t i = 0; i < rows->n; i++) {
		if (strv_has(&seen, rows->v[i].service) || !strv_add(&seen, rows->v[i].service))
			continue;
		ps_cell_text(out, rows->v[i].service);
		buf_str_add(out, "\n");
	}
	if (rows->n == 0)
		buf_str_add(out, "\n");
}

static void
cell_ports(struct buf *b, const struct row *row)
{
	struct ps_ports ports = ps_ports_read(json_object_get(row->json, "Ports"));

	ps_cell_ports(b, &ports);
	free(ports.v);
}

static void
cell(const struct ps_input *in, const struct ps_options *opt, const struct row *row, size_t column, struct buf *b)
{
	switch (column) {
	case 0:
		ps_cell_text(b, row->name);
		break;
	case 1:
		ps_cell_text(b, row_image(in, row));
		break;
	case 2:
		ps_cell_command(b, text(row->json, "Command"), !opt->no_trunc);
		break;
	case 3:
		ps_cell_text(b, row->service);
		break;
	case 4:
		ps_cell_age(b, in->now - json_integer_value(json_object_get(row->json, "Created")));
		break;
	case 5:
		ps_cell_text(b, text(row->json, "Status"));
		break;
	default:
		cell_ports(b, row);
		break;
	}
}

/* The texts of all cells, line by line, the heads first. */
struct table {
	char **v;
	size_t n;
	size_t widths[COLUMNS];
};

static void
table_done(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
}

static void
table_add(struct table *t, char *take_text)
{
	size_t width = ps_width(take_text) + COLUMN_PAD;
	size_t *widest = &t->widths[t->n % COLUMNS];

	if (width < COLUMN_MIN)
		width = COLUMN_MIN;
	if (width > *widest)
		*widest = width;
	t->v[t->n++] = take_text;
}

static void
table_print(const struct table *t, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t c = i % COLUMNS;

		buf_str_add(out, t->v[i]);
		if (c < COLUMNS - 1)
			buf_printf(out, "%*s", (int)(t->widths[c] - ps_width(t->v[i])), "");
		else
			buf_str_add(out, "\n");
	}
}

static void
show_table(const struct ps_input *in, const struct ps_options *opt, const struct rows *rows, struct buf *out)
{
	static const char *const heads[COLUMNS] = {"NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"};
	__attribute__((cleanup(table_done))) struct table t = {calloc((rows->n + 1) * COLUMNS, sizeof(char *)), 0, {0}};

	if (t.v == NULL)
		abort();
	for (size_t c = 0; c < COLUMNS; c++)
		table_add(&t, str_dup(heads[c]));
	for (size_t i = 0; i < rows->n * COLUMNS; i++) {
		auto_buf struct buf b = BUF_INIT(CELL_MAX);

		cell(in, opt, &rows->v[i / COLUMNS], i % COLUMNS, &b);
		table_add(&t, buf_take(&b));
	}
	table_print(&t, out);
}

static json_t *
publishers(const struct ps_ports *ports)
{
	json_t *list = ports->n > 0 ? json_array() : json_null();

	for (size_t i = 0; i < ports->n; i++) {
		const struct ps_port *p = &ports->v[i];

		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s}", "URL", p->ip, "TargetPort", p->inside,
						"PublishedPort", p->outside, "Protocol", p->type));
	}
	return list;
}

/* Adds "key=value" of a container's labels, joined by commas. */
static void
join_labels(struct buf *b, const json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)labels, key, value) buf_printf(
	    b, "%s%s=%s", b->len > 0 ? "," : "", key, json_string_value(value) != NULL ? json_string_value(value) : "");
}

static void
join_networks(struct buf *b, const json_t *networks)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)networks, key, value) buf_printf(b, "%s%s", b->len > 0 ? "," : "", key);
}

/* Adds the names of the mounts; returns how many are volumes of the local driver. */
static int
join_mounts(struct buf *b, const json_t *mounts, bool trunc)
{
	int local = 0;

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		const json_t *m = json_array_get(mounts, i);
		const char *name = text(m, "Name");
		bool cut;

		if (*name == '\0')
			name = text(m, "Source");
		cut = trunc && ps_width(name) > MOUNT_WIDTH;
		local += str_eq(text(m, "Driver"), "local");
		buf_printf(b, "%s%.*s%s", b->len > 0 ? "," : "",
		    (int)(cut ? ps_prefix(name, MOUNT_WIDTH - 1) : strlen(name)), name, cut ? "…" : "");
	}
	return local;
}

static void
set_text(json_t *o, const char *key, const char *value)
{
	json_t *s = json_string(value);

	json_object_set_new(o, key, s != NULL ? s : json_string(""));
}

static void
set_buf(json_t *o, const char *key, struct buf *b)
{
	set_text(o, key, buf_str(b));
	buf_reset(b);
}

static void
set_times(json_t *o, const struct ps_input *in, const struct row *row, struct buf *b)
{
	time_t created = (time_t)json_integer_value(json_object_get(row->json, "Created"));
	struct tm tm;
	char at[64] = "";

	if (gmtime_r(&created, &tm) != NULL)
		(void)strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	set_text(o, "CreatedAt", at);
	ps_cell_age(b, in->now - created);
	set_buf(o, "RunningFor", b);
}

static void
set_state(json_t *o, const struct row *row)
{
	const char *status = text(row->json, "Status");
	int code = container_status_exit(status);

	set_text(o, "State", text(row->json, "State"));
	set_text(o, "Status", status);
	set_text(o, "Health", container_health_text(container_status_health(status)));
	json_object_set_new(o, "ExitCode", json_integer(code > 0 ? code : 0));
}

static void
set_ports(json_t *o, const struct row *row, struct buf *b)
{
	struct ps_ports ports = ps_ports_read(json_object_get(row->json, "Ports"));

	ps_cell_ports(b, &ports);
	set_buf(o, "Ports", b);
	json_object_set_new(o, "Publishers", publishers(&ports));
	free(ports.v);
}

static json_t *
row_json(const struct ps_input *in, const struct ps_options *opt, const struct row *row)
{
	auto_buf struct buf b = BUF_INIT(CELL_MAX);
	json_t *o = json_object();
	char id[CONTAINER_ID_LEN + 1];
	int local;

	snprintf(id, sizeof(id), "%.*s", opt->no_trunc ? CONTAINER_ID_LEN : SHORT_ID, row->id);
	ps_cell_command(&b, text(row->json, "Command"), !opt->no_trunc);
	set_buf(o, "Command", &b);
	set_times(o, in, row, &b);
	set_state(o, row);
	set_text(o, "ID", id);
	set_text(o, "Image", row_image(in, row));
	join_labels(&b, json_object_get(row->json, "Labels"));
	set_buf(o, "Labels", &b);
	local = join_mounts(&b, json_object_get(row->json, "Mounts"), !opt->no_trunc);
	set_buf(o, "Mounts", &b);
	json_object_set_new(o, "LocalVolumes", json_sprintf("%d", local));
	set_text(o, "Name", row->name);
	set_text(o, "Names", row->name);
	join_networks(&b, json_object_get(json_object_get(row->json, "NetworkSettings"), "Networks"));
	set_buf(o, "Networks", &b);
	set_ports(o, row, &b);
	set_text(o, "Project", in->project);
	set_text(o, "Service", row->service);
	set_text(o, "Size", "0B");
	return o;
}

static void
show_json(const struct ps_input *in, const struct ps_options *opt, const struct rows *rows, struct buf *out)
{
	for (size_t i = 0; i < rows->n; i++) {
		json_t *o = row_json(in, opt, &rows->v[i]);
		/* ASCII only, and DEL spelled out: nothing in it can steer a terminal. */
		auto_free char *line = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);

		if (line == NULL)
			abort();
		json_decref(o);
		for (const char *p = line; *p != '\0'; p++)
			buf_str_add(out, *p == 0x7f ? "\\u007f" : (const char[]){*p, '\0'});
		buf_str_add(out, "\n");
	}
}

int
ps_render(const struct ps_input *in, const struct ps_options *opt, struct buf *out, struct err *err)
{
	__attribute__((cleanup(rows_done))) struct rows rows = {NULL, 0};
	int r = rows_read(in, opt, &rows, err);

	if (r < 0)
		return r;
	if (opt->quiet)
		show_ids(&rows, out);
	else if (opt->services)
		show_services(&rows, out);
	else if (opt->json)
		show_json(in, opt, &rows, out);
	else
		show_table(in, opt, &rows, out);
	return 0;
}
