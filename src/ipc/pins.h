/* Pins, as core and pgod both know them: what a container mounts of the host is held by a mount of pgod's own, at
 * <pins>/<service>/<name>/src, so that the inode that was looked at is the one that is mounted. Core names the pins in
 * the approved model and asks pgod for them; <pins> stands in core's configuration. */
#ifndef PGO_IPC_PINS_H
#define PGO_IPC_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
	PIN_NAME_LEN = 32,		 /* lower-case hex digits */
	PIN_SET_BYTES = 8 * 1024 * 1024, /* of a packed set */
};

/* The pins of a service: names.v[i] stands for the absolute path sources.v[i]. */
struct pin_set {
	struct strv names;
	struct strv sources;
};
#define auto_pin_set __attribute__((cleanup(pin_set_done)))
void pin_set_done(struct pin_set *ps);
/* Adds one, unless its name is there already. False beyond STRV_MAX. */
bool pin_set_add(struct pin_set *ps, const char *name, const char *source);
/* The memory file of the message `pin`: name NUL source NUL, for each. */
void pin_set_pack(const struct pin_set *ps, struct buf *ret);
/* Strict: names are PIN_NAME_LEN hex digits, each once, sources clean absolute paths; else -EBADMSG. The caller frees
 * with pin_set_done. */
int pin_set_unpack(const char *data, size_t len, struct pin_set *ret, struct err *err);
/* Is it one, by its form? */
bool pin_name_ok(const char *name);
/* Where the pin is: "<pins>/<service>/<name>/src". The caller frees. */
char *pin_path(const char *pins, const char *service, const char *name);

#endif
