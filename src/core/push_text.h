/* What a pusher reads while his push is deployed: `-----> step`, seven spaces of detail, ` !     error`. Pure. */
#ifndef PGO_CORE_PUSH_TEXT_H
#define PGO_CORE_PUSH_TEXT_H

#include "base/str.h"
#include "core/lines.h"

/* A line without its newline: plain text, whatever a build or a repository has printed. */
typedef void push_text_fn(void *ctx, const char *line);

struct push_text {
	push_text_fn *tell;
	void *ctx;
	struct lines lines;
	size_t step;	  /* headings that have had their turn: what is put back begins none again */
	const char *head; /* begun, but nothing was said of it yet; NULL: none */
};

void push_text_init(struct push_text *t, push_text_fn *tell, void *ctx);
/* Tells what has no newline yet, and frees. */
void push_text_done(struct push_text *t);
/* A note of core's in the log of a deploy: where a step begins its heading is told, once there is something to say of
 * it. Other notes are not for the pusher. */
void push_text_note(struct push_text *t, const char *data, size_t len);
/* What programs print, and what is said of the commit: detail, line by line. */
void push_text_add(struct push_text *t, const char *data, size_t len);
/* -----> A step of its own. */
void push_text_head(struct push_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A detail, in lines. */
void push_text_detail(struct push_text *t, const char *text);
/*  !     Each line of it. */
void push_text_error(struct push_text *t, const char *text);
/* =====> The end of a push that was accepted; no urls: none leads there. */
void push_text_deployed(struct push_text *t, const struct strv *urls);
/* =====> The end of an app. */
void push_text_destroyed(struct push_text *t, const char *app);

#endif
