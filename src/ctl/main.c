/* pgoctl: asks a pgod for an operation on a service, over SSH. */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/str.h"
#include "ctl/identity.h"
#include "ctl/known.h"
#include "ctl/net.h"
#include "ctl/options.h"
#include "ctl/remote.h"
#include "ctl/run.h"
#include "ctl/target.h"
#include "ctl/wants.h"
#include "ipc/opline.h"

enum {
	EXIT_REMOTE = 1, /* pgod refused (a status over 255), or there is no identity */
	EXIT_USAGE = 2,
	EXIT_HOST = 254,       /* it is not the host that we know: no pipeline should try that again */
	EXIT_CONNECTION = 255, /* as ssh */
	EXIT_BY_SIGNAL = 128,
};

struct session {
	ssh_session ssh;
	ssh_key key;
};

static void
session_done(struct session *s)
{
	ssh_key_free(s->key);
	if (s->ssh == NULL)
		return;
	ssh_disconnect(s->ssh);
	ssh_free(s->ssh);
}
#define auto_session __attribute__((cleanup(session_done)))

static int
complain(int status, const struct err *err)
{
	fprintf(stderr, "pgoctl: %s\n", err->msg);
	return status;
}

static char *
local_user(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw == NULL ? str_printf("uid%u", (unsigned)getuid()) : str_dup(pw->pw_name);
}

static int
check_host(const struct options *o, const struct target *t, ssh_session ssh, struct err *err)
{
	struct known_policy policy = {getenv("PGOCTL_HOSTKEY"), o->known_hosts, o->accept_new};
	ssh_key key = NULL;
	int rc = remote_hostkey(ssh, &key, err);

	if (rc == 0)
		rc = known_check(t->host, o->port, key, &policy, err);
	ssh_key_free(key);
	return rc;
}

/* Connects, then loads the identity (the server starts meanwhile), exchanges keys, checks the host, signs in. Returns 0
 * or an exit status with err set. */
static int
sign_in(const struct options *o, const struct target *t, struct session *s, struct err *err)
{
	auto_free char *user = t->user != NULL ? str_dup(t->user) : local_user();
	auto_close int fd = net_connect(t->host, o->port, err);

	if (fd < 0)
		return EXIT_CONNECTION;
	if (identity_load(o->identity, &s->key, err) < 0)
		return EXIT_REMOTE;
	if (remote_handshake(take_fd(&fd), t->host, o->port, user, &s->ssh, err) < 0)
		return EXIT_CONNECTION;
	if (check_host(o, t, s->ssh, err) < 0)
		return EXIT_HOST;
	return remote_authenticate(s->ssh, s->key, err) < 0 ? EXIT_CONNECTION : 0;
}

/* Colours and the like only where they are seen, and wanted (no-color.org). */
static bool
shows_colours(const char *term)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && term[0] != '\0' && !str_eq(term, "dumb") &&
	       (no_color == NULL || no_color[0] == '\0');
}

/* -EINVAL with err set when it wants what we have not. */
static int
fill_spec(const struct wants *w, struct run_spec *ret_spec, struct err *err)
{
	const char *term = getenv("TERM");

	term = term == NULL ? "" : term;
	ret_spec->input = w->input;
	if (w->terminal == TERMINAL_USED && !isatty(STDIN_FILENO))
		return err_set(
		    err, EINVAL, "-t runs the command on your terminal, and standard input is none: leave -t out");
	ret_spec->on_terminal = w->terminal == TERMINAL_USED;
	if (ret_spec->on_terminal || (w->terminal == TERMINAL_SHOWN && shows_colours(term)))
		ret_spec->term = term;
	return 0;
}

static int
exit_status(const struct options *o, const struct run_result *result)
{
	if (result->signal != 0)
		return EXIT_BY_SIGNAL + result->signal;
	if (result->left) {
		fputs("pgoctl: disconnected\n", stderr);
		return EXIT_CONNECTION;
	}
	if (result->stdout_gone)
		return EXIT_BY_SIGNAL + SIGPIPE;
	if (result->status <= 255)
		return (int)result->status;
	if (!o->quiet)
		fprintf(stderr, "pgoctl: Process exited with status %u\n", (unsigned)result->status);
	return EXIT_REMOTE;
}

static int
operate(const struct options *o, const struct target *t, char **args, size_t nargs)
{
	auto_free char *line = opline_format(t->op, args, nargs);
	auto_session struct session s = {NULL, NULL};
	struct run_spec spec = {.line = line};
	struct run_result result = {0};
	struct wants wants = wants_of(t->op, args, nargs);
	struct err err = ERR_INIT;
	int status;

	if (fill_spec(&wants, &spec, &err) < 0)
		return complain(EXIT_USAGE, &err);
	if (strlen(line) > OPLINE_MAX || nargs >= OPLINE_ARGS_MAX) {
		err_set(&err, E2BIG, "the operation is too long: at most %d bytes and %d words", OPLINE_MAX,
		    OPLINE_ARGS_MAX);
		return complain(EXIT_USAGE, &err);
	}
	status = sign_in(o, t, &s, &err);
	if (status != 0)
		return complain(status, &err);
	if (run_operation(s.ssh, &spec, &result, &err) < 0)
		return complain(EXIT_CONNECTION, &err);
	return exit_status(o, &result);
}

int
main(int argc, char **argv)
{
	auto_target struct target t = TARGET_INIT;
	struct options o;
	struct err err = ERR_INIT;

	signal(
	    SIGPIPE, SIG_IGN); /* NOLINT(bugprone-signal-handler,cert-sig34-c): a closed pipe is an error, not an end */
	if (options_parse(&o, argc, argv, &err) < 0)
		return complain(EXIT_USAGE, &err);
	if (o.help) {
		options_usage(stdout);
		return 0;
	}
	if (o.version) {
		puts("pgoctl " PGO_VERSION);
		return 0;
	}
	if (o.first >= argc) {
		options_usage(stderr);
		return EXIT_USAGE;
	}
	if (target_parse(argv[o.first], &t, &err) < 0)
		return complain(EXIT_USAGE, &err);
	return operate(&o, &t, argv + o.first + 1, (size_t)(argc - o.first - 1));
}
