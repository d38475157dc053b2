/* A real pgod with stand-ins for its other programs, in a private mount namespace with accounts of its own. */
#ifndef PGO_TESTS_SUPERVISOR_FIXTURE_H
#define PGO_TESTS_SUPERVISOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "base/buf.h"
#include "ipc/msg.h"

enum {
	WAIT_MS = 15000,
	UID_ALICE = 61001,
	UID_BOB = 61002,
	UID_CORE = 61003,
	UID_SSH = 61004,
	GID_ENGINE = 61005,
	GID_WEB = 61006
};

struct fixture {
	char root[64]; /* temporary directory */
	char dir[80];  /* --dir */
	char config[80];
	char log[80];
	int listener; /* where the fake core reports */
	pid_t pgod;
	int core;     /* core's end of the channel */
	int lifeline; /* closing it ends the fake core; a byte is its exit status */
	pid_t core_pid;
	char engine[96];	  /* DOCKER_HOST */
	const char *program;	  /* pgod */
	const char *fast_program; /* the same with a clock that runs ten times as fast */
};

/* Group set-up: enters the namespace, makes the directories. argv: pgod, pgod-conf, fake core, fake ssh, pgod with a
 * fast clock. */
void fixture_init(struct fixture *f, char **argv);
void fixture_done(struct fixture *f);

/* Starts pgod with the fixture's directories and these further arguments (NULL-terminated list). */
void pgod_start(struct fixture *f, ...);
/* Waits for the next core, and says hello when told to. */
void core_attach(struct fixture *f, bool hello);
/* Lets go of the core. */
void core_drop(struct fixture *f);
/* Waits for the exit of pgod; returns its exit status, or 128 + signal. */
int pgod_wait(struct fixture *f);
/* TERM, and wait. */
int pgod_stop(struct fixture *f);

/* The next message of this type; others before it are dropped. Fails the test after WAIT_MS. */
void expect(struct fixture *f, const char *type, struct msg *ret_m);
/* Starts a job with NULL-terminated operands; in: its stdin, NULL for /dev/null. Returns the read end of its output
 * (stdout and stderr). */
int job_start(struct fixture *f, long long id, const char *kind, const char *service, const char *in, ...);
/* Reads to the end, trims the last newline, into a static buffer. */
const char *read_all(int fd);
/* The exit message of a job: its status; the error into a static buffer when ret_error is given. */
int job_status(struct fixture *f, long long id, const char **ret_error);
void job_kill(struct fixture *f, long long id, const char *signal);

/* Waits until the log has the text. */
void log_wait(struct fixture *f, const char *text);
bool log_has(struct fixture *f, const char *text);
/* The port in the log. */
int ssh_port(struct fixture *f);
int ssh_connect(struct fixture *f);
void write_file(const char *path, const char *text, mode_t mode);
char *at(struct fixture *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define CONFIG                                                                                                    \
	"[[services]]\nname = \"web\"\nuser = \"alice\"\nrepository = \"https://u:secret@example.org/web.git\"\n" \
	"env = [\"COLOUR=blue\"]\n"                                                                               \
	"[[services]]\nname = \"db\"\nuser = \"bob\"\nrepository = \"https://example.org/db.git\"\n"
#define OID "0123456789012345678901234567890123456789"

/* The one of this program. */
extern struct fixture fx;
/* Before and after each test: writes CONFIG; ends a pgod that a failed test left. */
int setup(void **state);
int teardown(void **state);
/* Starts pgod and attaches to its core, with hello. */
void start_up(void);
/* Waits for the end of pgod, with this status. */
void ends_with(int status);
/* Reads one line with a number. */
pid_t read_pid(int fd);
/* Waits until there is no such process. */
void gone(pid_t pid);
/* A job with the lock that runs until the file "go" exists. Returns its output. */
int blocker(long long id, const char *service, pid_t *ret_pid);

#endif
