/* Inside of the engine: the pool that its requests go to. */
#ifndef PGO_ENGINE_ASK_H
#define PGO_ENGINE_ASK_H

#include "engine/engine.h"
#include "engine/pool.h"

struct pool *engine_pool(const struct engine *e);

#endif
