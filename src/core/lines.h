/* What a program prints, in whole lines and as plain text: for people whose terminal is not the program's. Pure. */
#ifndef PGO_CORE_LINES_H
#define PGO_CORE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { LINES_MAX = 4096 }; /* bytes of a line; a longer one is told in pieces, no character of which is cut in two */

struct lines {
	struct buf line;
	bool returned; /* a carriage return: what follows overwrites the line, unless it ends */
	enum {
		LINES_TEXT,
		LINES_ESCAPE,	/* ESC */
		LINES_SEQUENCE, /* ESC [: up to its last letter */
		LINES_STRING,	/* ESC ]: up to BEL or ESC \ */
	} state;
};
#define LINES_INIT                              \
	{                                       \
		.line = BUF_INIT(LINES_MAX + 1) \
	}

typedef void lines_fn(void *ctx, const char *text, size_t len);

/* Takes bytes as they come. Each line that is whole is told with its newline: without colours and other orders to a
 * terminal, and of a line that was drawn again and again only what stood there in the end. */
void lines_add(struct lines *l, const char *data, size_t len, lines_fn *tell, void *ctx);
/* The end: tells what has no newline. */
void lines_end(struct lines *l, lines_fn *tell, void *ctx);
void lines_done(struct lines *l);

#endif
