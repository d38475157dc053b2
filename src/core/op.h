/* What may be asked over SSH: one const table. Parsing, help, access and the manual derive from it. */
#ifndef PGO_CORE_OP_H
#define PGO_CORE_OP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct client;
struct core;
struct service;
struct store_deploy;
struct task;

/* An option of an operation. What is not in the operation's table is refused. */
struct op_option {
	const char *names;  /* "-n --tail" */
	bool value;	    /* takes one */
	const char *refuse; /* why it is refused; NULL: it is passed on */
};

struct op {
	const char *name;
	const char *usage; /* of the arguments */
	const char *help;
	const struct op_option *options; /* ends with names NULL; NULL: none */
	int operands_max;		 /* compose services, or words; -1: any number */
	bool command;			 /* what follows the first operand is a command, passed as it is */
	bool bare;			 /* all operands are one, without a compose service in front */
	bool raw;			 /* the handler reads the arguments itself */
	bool words;			 /* operands are names of other things, which the handler checks */
	bool names;			 /* operands are compose services of what is deployed */
	bool looks;			 /* tells what is, and no more: not worth a line in the log */
	bool changes;			 /* refused while the service is held or its directories are not ready */
	void (*run)(struct client *c, const struct op *op, const struct strv *args);
};

/* op_options.c: each ends with names NULL. */
extern const struct op_option op_up_options[], op_json_options[], op_history_options[], op_deploy_key_options[],
    op_timeout_options[], op_restart_options[], op_down_options[], op_pull_options[], op_logs_options[],
    op_journal_options[], op_exec_options[], op_run_options[], op_config_options[], op_upload_key_options[];

/* The whole table, for help and tests. */
const struct op *op_table(size_t *ret_n);
/* host.c: what operators ask of the host as a whole; names begin with OPNAME_HOST. */
const struct op *host_op_table(size_t *ret_n);
/* Prints all of them, each with its options, a line each. */
int op_list(struct err *err);
/* Answers with those of the operations that the client may ask for. */
void op_help(struct client *c, const struct op *table, size_t n, bool json);
/* Checks arguments against the table; what may be passed on comes back in a form that leaves nothing to guess: options
 * first, each in one word ("-f", "--tail=5"); then operands. -EINVAL with a sentence. */
int op_args(const struct op *op, const struct strv *args, struct strv *ret, struct err *err);
/* Runs the client's operation line: answers it, now or later. */
void op_run(struct client *c);
/* "host//apps" asks for a service called host, which there may be: says how the host is asked. Who asks, and what there
 * is, makes no difference to that. */
void op_hint_at_host(struct client *c);

/* Checked arguments, where options come first: is "--json" there? */
bool op_has(const struct strv *args, const char *option);
/* The value of "--tail=5"; NULL when it is not there. Borrowed. */
const char *op_value(const struct strv *args, const char *option);
/* What follows the options. Borrowed: not to be freed. */
struct strv op_operands(const struct strv *args);
/* Why nothing may be changed now: it is held, or not managed; NULL when it may. The caller frees. */
char *op_refusal(const struct service *svc);
/* Likewise of an app, which is also locked, or being deployed. */
char *op_app_refusal(const struct service *svc);
/* Is a deploy or a push of it at work, does one wait, or is one to be finished? */
bool op_is_deployed(const struct service *svc);
/* Queues a task for the client, who waits for its end; or tells him why not. */
void op_queue(struct client *c, struct task task);

/* op_deploy.c: what is pushed here has no remote, which the client is told; and the task that asks one. */
bool op_has_no_remote(struct client *c);
void op_look(struct client *c, struct task task);
void op_up(struct client *c, const struct op *op, const struct strv *args);
void op_pull(struct client *c, const struct op *op, const struct strv *args);
void op_load(struct client *c, const struct op *op, const struct strv *args);
void op_plan(struct client *c, const struct op *op, const struct strv *args);
void op_rollback(struct client *c, const struct op *op, const struct strv *args);
void op_cancel(struct client *c, const struct op *op, const struct strv *args);
void op_sync(struct client *c, const struct op *op, const struct strv *args);
/* A look has ended well: tells the operator of `sync` what follows from it. */
void sync_tell(struct task *task);
/* op_hold.c */
void hold_run(struct client *c, const struct op *op, const struct strv *args);
void release_run(struct client *c, const struct op *op, const struct strv *args);
/* pgod's answer to one of the two. */
void hold_answered(struct core *core, int64_t id, const char *error);
/* op_key.c */
void deploy_key_run(struct client *c, const struct op *op, const struct strv *args);
/* pgod's answer. */
void deploy_key_answered(struct core *core, int64_t id, const char *line, const char *error);
/* op_names.c: is each of these a compose service of what is deployed, or has a container? Else the client is told. */
bool op_names_known(struct client *c, const struct op *op, const struct strv *names);
/* Has one of these compose services a container; without names, the service? */
bool op_has_containers(const struct service *svc, const struct strv *names);
/* op_ps.c */
void ps_run(struct client *c, const struct op *op, const struct strv *args);
/* op_streams.c: jobs on the client's own pipes, or terminal */
void logs_run(struct client *c, const struct op *op, const struct strv *args);
void exec_run(struct client *c, const struct op *op, const struct strv *args);
/* May the command be run so? Else the client is told why not. *ret_terminal: on a terminal. */
bool op_command_may(struct client *c, const struct op *op, const struct strv *args, bool *ret_terminal);
/* What compose gets of these: options, and what follows them. */
void op_command_words(const struct client *c, bool terminal, const struct strv *args, struct strv *ret_words);
/* op_run.c */
void oneoff_run(struct client *c, const struct op *op, const struct strv *args);
/* op_journal.c */
void journal_run(struct client *c, const struct op *op, const struct strv *args);
/* op_log.c: `logs deploy [N]`; operands are what follows "deploy". */
void log_run(struct client *c, const struct strv *args, const struct strv *operands);
/* op_config.c */
void config_run(struct client *c, const struct op *op, const struct strv *args);
/* op_domains.c */
void domains_run(struct client *c, const struct op *op, const struct strv *args);
/* op_tags.c */
void tags_run(struct client *c, const struct op *op, const struct strv *args);
void links_run(struct client *c, const struct op *op, const struct strv *args);
/* op_scale.c */
void scale_run(struct client *c, const struct op *op, const struct strv *args);
/* history.c */
void history_run(struct client *c, const struct op *op, const struct strv *args);
void deploys_run(struct client *c, const struct op *op, const struct strv *args);
/* The deploy of this number, or the newest. Returns 1, or 0 after the client was told that there is none. */
int history_find(struct client *c, const struct strv *operands, struct store_deploy *ret);
/* host_apps.c */
void host_apps_run(struct client *c, const struct op *op, const struct strv *args);
/* host_keys.c */
void host_upload_key_run(struct client *c, const struct op *op, const struct strv *args);
void host_keys_run(struct client *c, const struct op *op, const struct strv *args);
/* host_who.c, host_config.c */
void host_who_run(struct client *c, const struct op *op, const struct strv *args);
void host_config_run(struct client *c, const struct op *op, const struct strv *args);
/* status.c */
void status_run(struct client *c, const struct op *op, const struct strv *args);
/* Is the newest commit what runs, and why, or why not? The caller frees. */
char *status_in_sync(const struct service *svc, bool *ret_is);

#endif
