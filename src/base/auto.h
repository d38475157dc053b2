/* Owned locals: declare with the cleanup, start empty, hand over with TAKE. */
#ifndef PGO_BASE_AUTO_H
#define PGO_BASE_AUTO_H

#include <stdlib.h>
#include <unistd.h>

static inline void
auto_free_(void *p)
{
	free(*(void **)p);
}

static inline void
auto_close_(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Frees heap memory when the local leaves its scope: auto_free char *s = NULL; */
#define auto_free __attribute__((cleanup(auto_free_)))
/* Closes a descriptor when the local leaves its scope: auto_close int fd = -1; */
#define auto_close __attribute__((cleanup(auto_close_)))

/* Hands an owned pointer over: the local is empty afterwards. */
#define TAKE(p)                                   \
	__extension__({                           \
		__typeof__(p) *take_p_ = &(p);    \
		__typeof__(p) take_v_ = *take_p_; \
		*take_p_ = NULL;                  \
		take_v_;                          \
	})

/* Hands an owned descriptor over: the local is -1 afterwards. */
static inline int
take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
