#include "core/web.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/core.h"

enum { PAGE_FRESH_MS = 1000 }; /* a page is made at most so often, whoever asks */

struct web {
	struct core *core;
	struct channel *ch;
	int page; /* sealed memfd; -1: none yet */
	long long page_ms;
};

static int
make_page(struct web *w, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(METRICS_MAX);
	int fd;

	metrics_text(w->core, &text);
	fd = io_memfd("metrics", buf_str(&text), text.len, err);
	if (fd < 0)
		return fd;
	if (w->page >= 0)
		close(w->page);
	w->page = fd;
	w->page_ms = io_now_ms();
	return 0;
}

/* Who asks again and again without reading gets nothing more, and costs nothing. */
static int
on_metrics(void *ctx, struct msg *m, struct err *err)
{
	struct web *w = ctx;
	struct err why = ERR_INIT;

	(void)m;
	(void)err;
	if (channel_queued(w->ch) > 0)
		return 0;
	if ((w->page < 0 || io_now_ms() - w->page_ms >= PAGE_FRESH_MS) && make_page(w, &why) < 0)
		log_err("the page of metrics: %s", why.msg);
	if (w->page >= 0)
		channel_send(w->ch, msg_new("metrics", "ss", "health", metrics_health(w->core)), &w->page, 1);
	return 0;
}

static const struct channel_rule rules[] = {
    {"metrics", 1u << 0, on_metrics},
};

static void
on_closed(void *ctx, const struct err *err)
{
	struct web *w = ctx;

	if (err->num != 0)
		log_warn("pgod-web dropped: %s", err->msg);
	w->core->web = NULL;
	web_free(w);
}

void
web_open(struct core *core, int take_fd)
{
	struct web *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	web_free(core->web);
	core->web = w;
	w->core = core;
	w->page = -1;
	w->ch = channel_new(core->base, take_fd,
	    &(struct channel_spec){
		.name = "web",
		.recv = WEB_TO_CORE,
		.send = CORE_TO_WEB,
		.rules = rules,
		.nrules = ARRAY_LEN(rules),
		.closed = on_closed,
		.ctx = w,
	    });
}

void
web_free(struct web *w)
{
	if (w == NULL)
		return;
	channel_free(w->ch);
	auto_close_(&w->page);
	free(w);
}
