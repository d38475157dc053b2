#include "engine/ps_cell.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

enum { COMMAND_WIDTH = 20, COMMAND_MAX = 64 * 1024 };

size_t
ps_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void
ps_cell_text(struct buf *b, const char *s)
{
	size_t start = b->len;

	buf_vis(b, s, strlen(s), false);
	for (size_t i = start; i < b->len; i++) {
		if (b->data[i] == '\t')
			b->data[i] = ' ';
	}
}

size_t
ps_prefix(const char *s, size_t width)
{
	size_t i = 0;

	for (; s[i] != '\0'; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80 && width-- == 0)
			break;
	}
	return i;
}

/* As Go's strconv.Quote writes it, but for the rarer characters, which buf_vis escapes its way. */
static void
quote(struct buf *b, const char *s, size_t len)
{
	static const char special[] = "\a\b\f\n\r\t\v\\\"";
	static const char names[] = "abfnrtv\\\"";
	auto_buf struct buf escaped = BUF_INIT(COMMAND_MAX);

	for (size_t i = 0; i < len; i++) {
		const char *at = strchr(special, s[i]);

		if (at != NULL)
			buf_printf(&escaped, "\\%c", names[at - special]);
		else
			buf_add(&escaped, s + i, 1);
	}
	buf_vis(b, buf_str(&escaped), escaped.len, false);
}

void
ps_cell_command(struct buf *b, const char *command, bool trunc)
{
	bool cut = trunc && ps_width(command) > COMMAND_WIDTH;

	buf_str_add(b, "\"");
	quote(b, command, cut ? ps_prefix(command, COMMAND_WIDTH - 1) : strlen(command));
	buf_str_add(b, cut ? "…\"" : "\"");
}

/* go-units' HumanDuration. */
static void
duration(struct buf *b, int64_t seconds)
{
	int64_t minutes = seconds / 60;
	int64_t hours = (seconds + 1800) / 3600;

	if (seconds < 1)
		buf_str_add(b, "Less than a second");
	else if (seconds == 1)
		buf_str_add(b, "1 second");
	else if (seconds < 60)
		buf_printf(b, "%d seconds", (int)seconds);
	else if (minutes == 1)
		buf_str_add(b, "About a minute");
	else if (minutes < 60)
		buf_printf(b, "%d minutes", (int)minutes);
	else if (hours == 1)
		buf_str_add(b, "About an hour");
	else if (hours < 48)
		buf_printf(b, "%d hours", (int)hours);
	else if (hours < 24 * 7 * 2)
		buf_printf(b, "%d days", (int)(hours / 24));
	else if (hours < 24 * 30 * 2)
		buf_printf(b, "%d weeks", (int)(hours / 24 / 7));
	else if (hours < 24 * 365 * 2)
		buf_printf(b, "%d months", (int)(hours / 24 / 30));
	else
		buf_printf(b, "%lld years", (long long)(seconds / 3600 / 24 / 365));
}

void
ps_cell_age(struct buf *b, int64_t seconds)
{
	duration(b, seconds);
	buf_str_add(b, " ago");
}

static int
port_number(const json_t *port, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(port, key));

	return n >= 0 && n <= 65535 ? (int)n : 0;
}

static const char *
port_text(const json_t *port, const char *key)
{
	const char *s = json_string_value(json_object_get(port, key));

	return s != NULL ? s : "";
}

static int
by_inside(const void *a, const void *b)
{
	const struct ps_port *x = a;
	const struct ps_port *y = b;
	int d = x->inside - y->inside;

	if (d == 0)
		d = strcmp(x->ip, y->ip);
	if (d == 0)
		d = x->outside - y->outside;
	return d != 0 ? d : strcmp(x->type, y->type);
}

struct ps_ports
ps_ports_read(const json_t *ports)
{
	struct ps_ports p = {NULL, json_array_size(ports)};

	if (p.n > PS_PORTS_MAX)
		p.n = PS_PORTS_MAX;
	if (p.n == 0)
		return p;
	if ((p.v = calloc(p.n, sizeof(*p.v))) == NULL)
		abort();
	for (size_t i = 0; i < p.n; i++) {
		const json_t *port = json_array_get(ports, i);

		p.v[i] = (struct ps_port){port_text(port, "IP"), port_number(port, "PrivatePort"),
		    port_number(port, "PublicPort"), port_text(port, "Type")};
	}
	qsort(p.v, p.n, sizeof(*p.v), by_inside);
	return p;
}

/* A run of ports of one address and type. */
struct group {
	const char *ip;
	const char *type;
	int first;
	int last;
};

enum { GROUPS_MAX = 64 }; /* different addresses and types; what exceeds them is shown port by port */

static void
separate(struct buf *b)
{
	if (b->len > 0)
		buf_str_add(b, ", ");
}

static void
show_group(struct buf *b, const struct group *g)
{
	char range[32];

	if (g->first == g->last)
		snprintf(range, sizeof(range), "%d", g->first);
	else
		snprintf(range, sizeof(range), "%d-%d", g->first, g->last);
	separate(b);
	if (*g->ip != '\0') {
		ps_cell_text(b, g->ip);
		buf_printf(b, ":%s->", range);
	}
	buf_printf(b, "%s/", range);
	ps_cell_text(b, g->type);
}

static struct group *
group_of(struct group *groups, size_t n, const struct ps_port *p)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(groups[i].ip, p->ip) && str_eq(groups[i].type, p->type))
			return &groups[i];
	}
	return NULL;
}

/* Ports that are the same outside as inside, and those only exposed: in runs. */
static void
show_runs(struct buf *b, const struct ps_ports *ports)
{
	struct group groups[GROUPS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ports->n; i++) {
		const struct ps_port *p = &ports->v[i];
		struct group alone = {p->ip, p->type, p->inside, p->inside};
		struct group *g = group_of(groups, n, p);

		if (*p->ip != '\0' && p->outside != p->inside)
			continue;
		if (g == NULL && n < GROUPS_MAX) {
			groups[n++] = alone;
		} else if (g == NULL) {
			show_group(b, &alone);
		} else if (p->inside == g->last + 1) {
			g->last = p->inside;
		} else {
			show_group(b, g);
			*g = alone;
		}
	}
	for (size_t i = 0; i < n; i++)
		show_group(b, &groups[i]);
}

void
ps_cell_ports(struct buf *b, const struct ps_ports *ports)
{
	auto_buf struct buf cell = BUF_INIT(b->limit);

	show_runs(&cell, ports);
	for (size_t i = 0; i < ports->n; i++) {
		const struct ps_port *p = &ports->v[i];

		if (*p->ip == '\0' || p->outside == p->inside)
			continue;
		separate(&cell);
		ps_cell_text(&cell, p->ip);
		buf_printf(&cell, ":%d->%d/", p->outside, p->inside);
		ps_cell_text(&cell, p->type);
	}
	buf_add(b, buf_str(&cell), cell.len);
}
