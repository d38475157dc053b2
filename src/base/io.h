/* Descriptors: reading all, writing all, sealed memfds. */
#ifndef PGO_BASE_IO_H
#define PGO_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Reads until end of file into b. More than b->limit bytes is an error (EFBIG), not a truncation. Blocking fds only. */
int io_read_all(int fd, struct buf *b, struct err *err);
/* Reads a regular file opened relative to dirfd (O_NOFOLLOW|O_CLOEXEC|O_NONBLOCK); refuses what is not a regular file.
 */
int io_read_file(int dirfd, const char *path, struct buf *b, struct err *err);
/* Writes all of it to a blocking fd, restarting after EINTR. */
int io_write_all(int fd, const void *data, size_t len, struct err *err);
/* A sealed (write, grow, shrink, seal) memfd with this content, offset 0. Returns the fd (close-on-exec), the caller
 * closes. */
int io_memfd(const char *name, const void *data, size_t len, struct err *err);
/* Reads a sealed memfd that a peer sent: refuses one that is not sealed against writing and shrinking, or over
 * b->limit. */
int io_memfd_read(int fd, struct buf *b, struct err *err);
/* Hands a descriptor over a unix socket, in a message of one byte; it stays the caller's as well. */
int io_send_fd(int sock, int fd, struct err *err);
/* Receives one: 1 with *ret_fd (close-on-exec), 0 when the peer has closed the socket, or -errno. */
int io_recv_fd(int sock, int *ret_fd, struct err *err);
int io_set_nonblock(int fd, bool on);
/* Milliseconds of CLOCK_MONOTONIC / seconds and milliseconds of the wall clock. */
long long io_now_ms(void);
long long io_wall_ms(void);

enum { IO_UTC_TEXT = 24 };
/* A moment of the wall clock for people: "2026-11-21 05:24:55", in UTC. */
void io_utc_text(long long wall_ms, char ret[IO_UTC_TEXT]);

#endif
