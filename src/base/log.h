/* One event, one line on stderr, with the journal's <level> prefix: a sentence, then key=value pairs. */
#ifndef PGO_BASE_LOG_H
#define PGO_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Called once by main. name: "pgod", "pgod-core", ... shown in front when stderr is not the journal. debug: show
 * log_debug. */
void log_init(const char *name, bool debug);
bool log_debug_on(void);

/* A newline or control character inside the line is escaped. Lines are capped at 4 KiB. */
void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Is told of each line about a service, but of those for debugging: whose it is (the format says service=%s; nothing
 * that is in the line can say otherwise), how bad ("warning"), and the line as it was written, without its head. */
typedef void log_tap_fn(void *ctx, const char *service, const char *word, const char *text);
/* One at most; NULL: none. What it logs itself is told to nobody. */
void log_tap(log_tap_fn *tap, void *ctx);

#endif
