#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "ipc/msg.h"
#include "web/bounds.h"
#include "web/web.h"

/* Core restarts, which takes a moment: pgod sends another channel. */
static void
lose_core(struct web *w, const char *why)
{
	if (why[0] != '\0')
		log_warn("the channel to core: %s", why);
	close(take_fd(&w->core));
	w->asked = false;
}

void
ask_core(struct web *w)
{
	json_t *body;
	struct err err = ERR_INIT;

	if (w->core < 0 || w->asked)
		return;
	body = msg_new("metrics", "");
	w->asked = msg_send(w->core, WEB_TO_CORE, body, NULL, 0, &err) >= 0;
	json_decref(body);
}

static int
take_page(struct web *w, struct msg *m, struct err *err)
{
	auto_close int fd = msg_take_fd(m, 0);
	auto_buf struct buf text = BUF_INIT(PAGE_MAX_BYTES);
	int rc = io_memfd_read(fd, &text, err);
	size_t len = text.len;

	if (rc < 0)
		return rc;
	snprintf(w->health, sizeof(w->health), "%s", msg_str(m, "health"));
	http_set_page(w, buf_take(&text), len);
	return 0;
}

void
ask_readable(struct web *w)
{
	auto_msg struct msg m = MSG_INIT;
	struct err err = ERR_INIT;
	int rc = msg_recv(w->core, CORE_TO_WEB, &m, &err);

	if (rc == -EAGAIN)
		return;
	if (rc > 0)
		rc = take_page(w, &m, &err) < 0 ? -err.num : 1;
	if (rc <= 0) {
		lose_core(w, err.msg);
		return;
	}
	w->asked = false;
	http_wake(w);
}

int
ask_arrival(struct web *w, struct err *err)
{
	auto_close int fd = -1;
	int rc = io_recv_fd(w->arrival, &fd, err);

	if (rc <= 0)
		return rc;
	if (w->core >= 0)
		close(w->core);
	w->core = take_fd(&fd);
	w->asked = false;
	if (io_set_nonblock(w->core, true) < 0)
		return err_set(err, EINVAL, "the descriptors are not what pgod gives");
	if (http_waits(w))
		ask_core(w);
	return 1;
}
