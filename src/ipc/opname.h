/* The names of all operations, for those who speak of them without running them: the configuration and the keys, which
 * may be limited to some. What they do stands in the tables of src/core; a test holds both against each other. */
#ifndef PGO_IPC_OPNAME_H
#define PGO_IPC_OPNAME_H

#include <stdbool.h>
#include <stddef.h>

/* Before the name of what is asked of the host as a whole: "host://status". */
#define OPNAME_HOST "host://"
/* What stands before "//" in its operation line; no service is called so. */
#define OPNAME_HOST_SERVICE "host:"

/* "up", ..., "host://status", ... */
const char *const *opname_table(size_t *ret_n);
bool opname_known(const char *name);

#endif
