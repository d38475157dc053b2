/* What the tests of pgod-ssh and pgoctl share: the stand-in for pgod, clients as children, a directory with keys.
 * Anything that goes wrong here fails the running cmocka test. */
#ifndef PGO_TESTS_SSH_HARNESS_H
#define PGO_TESTS_SSH_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* An idle session peaks at 7 MiB; a queue of the 50 MB that flow would not fit. The sanitizer keeps what was freed. */
enum { MEMORY_FLAT_KB = (SANITIZED ? 400 : 24) * 1024 };
enum { WAIT_MS = 30 * 1000 }; /* for anything that must happen: generous, since a loaded machine is no failure */

struct front {
	pid_t pid;
	int in;
	FILE *out;
	int port;
	char dir[64];	       /* id_a, id_b: private keys; hostkey */
	char line[256 * 1024]; /* the last line that front_wait found */
};

/* Starts the stand-in with this pgod-ssh, and makes fresh keys. */
void front_start(struct front *f, const char *program);
void front_stop(struct front *f);
/* The next line that begins with this word; earlier others are dropped. Fails the test after WAIT_MS. */
const char *front_wait(struct front *f, const char *word);
/* Waits for the end of a pgod-ssh: its wait status, and its peak memory in KiB (may be NULL). */
int front_end(struct front *f, long *ret_kb);
/* A path inside f->dir; static storage, valid for the next seven calls. */
const char *front_path(const struct front *f, const char *name);

struct child {
	pid_t pid;
	int in, out, err; /* our ends of its pipes; -1 when closed */
};

/* argv as for execvp; env: further variables "NAME=value" or NULL. The environment is otherwise PATH, HOME (f->dir)
 * only. */
void child_start(struct child *c, const struct front *f, const char *const *argv, const char *const *env);
/* Writes stdin (may be NULL), collects the streams (may be NULL: dropped) to their end. Returns 0-255, or 256 + signal.
 */
int child_finish(struct child *c, const void *in, size_t in_len, struct buf *out, struct buf *err);
/* Both at once. */
int child_run(const struct front *f, const char *const *argv, const char *const *env, const char *in, struct buf *out,
    struct buf *err);
/* OpenSSH's client with this remote command (NULL: none) and up to four more options (NULL-terminated, may be NULL). */
void ssh_argv(const struct front *f, const char *const *options, const char *command, const char *argv[32]);
int ssh_run(const struct front *f, const char *command, const char *in, struct buf *out, struct buf *err);

/* Reads the descriptor to its end: number of bytes and FNV-1a hash. */
uint64_t stream_hash(int fd, uint64_t *ret_len);
long long elapsed_ms(long long since_ms);

#endif
