/* The proxy's file: what is there is replaced by a text that the administrator's own commands accept, or stays. Run in
 * a child of pgod: it waits for commands and file systems.
 *
 * nginx and Caddy test their whole configuration, so the text has to be in its place for that. What stood there is
 * written down first, in <dir>/.proxy/before, and stays there until the proxy has read the new one: whatever ends us in
 * between, the next run puts it back. */
#ifndef PGO_SUPERVISOR_PROXY_FILE_H
#define PGO_SUPERVISOR_PROXY_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "conf/proxy.h"
#include "supervisor/proxy_old.h"

enum { PROXY_COMMAND_MS = 30 * 1000 };

/* Makes the file say text and the proxy read it; nothing is written, tested or reloaded when it does already. state:
 * the directory <dir>/.proxy. Fails with what the test or the reload said, the file as it was before. *ret_ms: when the
 * file was written, milliseconds of the wall clock. *ret_old: of nginx, the workers that go by the file of before,
 * which the reload has told to end. */
int proxy_file_apply(const struct conf_proxy *p, const char *state, const struct buf *text, long long *ret_ms,
    struct proxy_old *ret_old, struct err *err);
/* What an earlier run has left untested is taken back; fine when nothing is. */
int proxy_file_recover(const struct conf_proxy *p, const char *state, struct err *err);

#endif
