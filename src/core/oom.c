#include "core/oom.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/service.h"

void
oom_happened(struct service *svc, const struct container *c)
{
	struct oom *oom = &svc->oom;
	auto_buf struct buf who = BUF_INIT(1024);
	int64_t now = io_now_ms();

	buf_vis(&who, c->service, strlen(c->service), false);
	oom->count++;
	oom->last_ms = io_wall_ms();
	str_set(&oom->who, buf_str(&who));
	if (oom->said_ms != 0 && now - oom->said_ms < OOM_SAY_MS)
		return;
	oom->said_ms = now;
	log_warn("out of memory: %s used all that it may, and the kernel ended a process in it service=%s", oom->who,
	    svc->conf->name);
}

void
oom_forget(struct oom *oom)
{
	free(oom->who);
	*oom = (struct oom){.said_ms = oom->said_ms};
}

char *
oom_text(const struct oom *oom)
{
	if (oom->count == 0)
		return NULL;
	return str_printf("%s used all that it may %u time%s, last %lld s ago", oom->who, oom->count,
	    oom->count == 1 ? "" : "s", (long long)(io_wall_ms() - oom->last_ms) / 1000);
}
