/* One event, one line on stderr, with the journal's <level> prefix: a sentence, then key=value pairs. */
#ifndef PGO_BASE_LOG_H
#define PGO_BASE_LOG_H

#include <stdbool.h>

/* Called once by main. name: "pgod", "pgod-core", ... shown in front when stderr is not the journal. debug: show
 * log_debug. */
void log_init(const char *name, bool debug);
bool log_debug_on(void);

/* A newline or control character inside the line is escaped. Lines are capped at 4 KiB. */
void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
