/* Which words of compose say that the engine itself failed it, and not what was asked of it. Pure. */
#ifndef PGO_CORE_ENGINE_FAULT_H
#define PGO_CORE_ENGINE_FAULT_H

/* tail: the end of what compose has written, whose last line is its own error. What went wrong, in a few static words;
 * NULL: something else, such as a build, a registry or a container. */
const char *engine_fault(const char *tail);

#endif
