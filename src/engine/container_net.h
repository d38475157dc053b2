/* Inside of container.c: the lines of a container's networks. */
#ifndef PGO_ENGINE_CONTAINER_NET_H
#define PGO_ENGINE_CONTAINER_NET_H

#include "base/buf.h"
#include "engine/container.h"

enum { CONTAINER_NETS_BYTES = 2048 };

/* Adds a line for each network whose name and id make sense. ret's limit is CONTAINER_NETS_BYTES. */
void container_net_lines(const json_t *networks, struct buf *ret);

#endif
