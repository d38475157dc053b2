/* The cells of the table of `docker compose ps`, each as docker words it. Pure; everything comes out escaped. */
#ifndef PGO_ENGINE_PS_CELL_H
#define PGO_ENGINE_PS_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { PS_PORTS_MAX = 4096 }; /* published or exposed ports shown of one container */

struct ps_port {
	const char *ip; /* "" when only exposed */
	int inside;
	int outside;
	const char *type;
};

struct ps_ports {
	struct ps_port *v; /* the texts are borrowed from the JSON */
	size_t n;
};

/* Of a list's "Ports", sorted as docker does. The caller frees v. */
struct ps_ports ps_ports_read(const json_t *ports);

/* Foreign text on one line, without tabs. */
void ps_cell_text(struct buf *b, const char *s);
/* "sleep 1000", quoted; with trunc at most 20 characters between the quotes, the last a "…" when there were more. */
void ps_cell_command(struct buf *b, const char *command, bool trunc);
/* "5 minutes ago". */
void ps_cell_age(struct buf *b, int64_t seconds);
/* "0.0.0.0:8080->80/tcp, 9000-9003/tcp": neighbours are merged. */
void ps_cell_ports(struct buf *b, const struct ps_ports *ports);
/* Characters of UTF-8. */
size_t ps_width(const char *s);
/* Bytes of the first `width` characters. */
size_t ps_prefix(const char *s, size_t width);

#endif
