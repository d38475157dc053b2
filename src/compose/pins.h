/* The approved model names pins (ipc/pins.h) in place of the paths of the service's own directories. */
#ifndef PGO_COMPOSE_PINS_H
#define PGO_COMPOSE_PINS_H

#include <jansson.h>

#include "base/err.h"
#include "ipc/pins.h"

/* Where what lies beneath the service's directories is pinned. */
struct model_place {
	const char *pins;    /* directory of all pins, clean absolute path */
	const char *service; /* the service's name */
	const char *live;    /* clean absolute path of the live tree */
	const char *datadir; /* clean absolute path of <datadir>/<service> */
};

/* Puts the pin's path in the place of each bind source, and of each config's and secret's file, at or beneath live or
 * datadir: the same path for the same source, so that compose sees no change where there is none. Anything else (with
 * user = "root" the administrator's own paths) stays. `x-pgo-pins` at the top, ours alone, remembers what stood there.
 * -E2BIG beyond STRV_MAX. */
int model_pin(json_t *approved, const struct model_place *place, struct err *err);

/* The pins that a model which model_pin has made names, in the order of their names. None for any other model.
 * The caller frees with pin_set_done. */
int model_pins(const json_t *approved, struct pin_set *ret, struct err *err);

/* The copy with the sources back in their places: for those who want to know what is mounted. The caller decrefs. */
json_t *model_unpin(const json_t *approved);

#endif
