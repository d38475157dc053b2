/* Names of root's own for files that are pinned. The kernel mounts nothing that has lost the name by which it was
 * taken, and a file loses its name to whoever renames another one over it; so a pinned file gets one more, a hard link
 * in <root>/.pins/<service>/, where only root comes, and is mounted by that. */
#ifndef PGO_SUPERVISOR_PIN_LINK_H
#define PGO_SUPERVISOR_PIN_LINK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"

/* Links the file that source (O_PATH) is, as it is in st, for the pin `name`, and opens it by its new name, O_PATH.
 * root: <dir> or <datadir>, whichever it lies below. A negative errno where that cannot be, such as on another file
 * system. */
int pin_link(const char *root, const char *service, const char *name, int source, const struct statx *st);
/* Has the file that this pin in the working directory holds no name but ours? What it was called has been deleted, or
 * another file was renamed over it. */
bool pin_link_is_last(const char *root, const char *service, const char *name);
/* Takes away each name that no pin in the working directory is mounted by. */
void pin_link_sweep(const char *root, const char *service);

#endif
