/* One pgod-ssh: an operation asked for, its answer. Less trusted: what it says wrong closes it. */
#ifndef PGO_CORE_CLIENT_H
#define PGO_CORE_CLIENT_H

#include <jansson.h>

#include "core/access.h"
#include "core/core.h"
#include "core/journal.h"
#include "core/svclog.h"
#include "ipc/gitline.h"
#include "ipc/opline.h"

struct client_stdin;
struct naming;
struct receive;
struct engine_req;
struct service;
struct upload;

struct client {
	TAILQ_ENTRY(client) entry;
	struct core *core;
	struct channel *ch;
	int64_t id;
	char *peer;
	char *user;	      /* as the client says: for messages only */
	char *key;	      /* that signed: base64 of what is public of it */
	struct access access; /* what the key that signed may */
	const char *who;      /* of it: the fingerprint and where the key stands, for logs */
	struct service *svc;  /* of the operation, once it is allowed; NULL: the host */
	struct opline line;
	bool git;		 /* what asks is git: its stdout is git's alone */
	struct gitline wants;	 /* what git then wants */
	struct receive *receive; /* a push */
	char *term;		 /* type of the client's terminal, as TERM; "" when it cannot be one */
	int cols, rows;		 /* of it; 0: it has none */
	struct job *job;	 /* logs, exec: goes when the client goes */
	char *oneoff;		 /* run: the name of its container; NULL */
	struct client_stdin *in; /* what it sends is being read */
	struct engine_req *req;
	struct upload *upload;		  /* of upload-key: whose key is awaited */
	struct naming *naming;		  /* of domains, apps rename: until the proxies have it */
	bool answered;			  /* its operation has ended */
	bool json;			  /* hold, release, keys: the answer is for a program */
	int64_t hold;			  /* pgod's answer to hold or release is awaited; 0 */
	int64_t deploy_key;		  /* pgod's answer to deploy-key is awaited; 0 */
	int64_t followed;		  /* the deploy whose log is followed */
	struct journal_follower follower; /* of it */
	struct svclog_follower reader;	  /* of journal -f */
};

/* A new connection: takes the channel. */
void client_new(struct core *core, int64_t id, const char *peer, int take_fd);
void client_free(struct client *c);
/* Text for the client's stdout (1; of git, stderr as well) or stderr (2), in as many messages as needed; what is not
 * UTF-8 is escaped. */
void client_output(struct client *c, int stream, const char *data, size_t len);
/* The operation's end. */
void client_exit(struct client *c, int status);
/* Text and end at once. */
void client_answer(struct client *c, int stream, int status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Foreign text as JSON can hold it, escaped as in client_output; null for "" and NULL. */
json_t *client_text_json(const char *text);
/* A JSON document as it is sent, with the newline after it. The caller frees. */
char *client_document(const json_t *document);
/* The service of its operation goes: what it had going ends, and unless its operation has, it is told. */
void client_turn_away(struct client *c, const char *text);
/* One JSON document on stdout, and the end. */
void client_answer_json(struct client *c, int status, const json_t *document);
/* Bytes as they are, of which nothing is escaped, on stdout, and the end with status 0. Not after client_read_stdin. */
void client_answer_bytes(struct client *c, const char *data, size_t len);
/* client_access.c: the key that signed is looked for; c->access says what it may, c->svc is what it asks for. Who may
 * act on an app that was called so hears of its new name: *ret_renamed. To all others that is a name like any that
 * there is not. False: he may not even know whether it is there. */
bool client_authorise(struct client *c, const struct service **ret_renamed);
/* May the same key ask for this of another service as well, or of the one that is meant? */
bool client_may_also(const struct client *c, const struct service *svc, const char *op);
/* client_stdin.c: reads the client's stdin to its end and hands all of it to cb, which answers; the memory is
 * overwritten afterwards. What has more than max bytes, or takes longer than five minutes, is answered with a sentence
 * in which it is `what`: a static text such as "the value". Once an operation. */
void client_read_stdin(
    struct client *c, size_t max, const char *what, void (*cb)(struct client *c, const struct buf *bytes));
/* pgod-ssh says that the client has sent all of it. */
void client_stdin_eof(struct client *c);
void client_stdin_free(struct client_stdin *in);
/* Runs a job on the client's own pipes, to which its end is told. */
void client_run_job(struct client *c, const char *kind, const struct strv *args);
/* The same with a descriptor 3 for the job (borrowed). */
void client_run_job_with(struct client *c, const char *kind, const struct strv *args, int third);
/* The same on a terminal of the client's size. third: also a descriptor 3, unless -1; borrowed. */
void client_run_on_terminal(struct client *c, const char *kind, const struct strv *args, int third);

#endif
