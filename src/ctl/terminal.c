#include "ctl/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"

/* What a handler has to reach. */
static struct termios saved;
static volatile sig_atomic_t is_raw;

/* Signals by which a program ends of its own fault. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

void
terminal_restore(void)
{
	if (is_raw == 0)
		return;
	is_raw = 0;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
}

static void
on_crash(int sig)
{
	if (is_raw != 0)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raise(sig); /* SA_RESETHAND: it now does what it would have done */
}

static void
prepare_for_the_worst(void)
{
	static bool done;
	const struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER};

	if (done)
		return;
	done = true;
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		sigaction(crashes[i], &action, NULL);
	atexit(terminal_restore);
}

int
terminal_raw(struct err *err)
{
	struct termios raw;

	/* From the background the terminal is another program's; SIGCONT comes when it is ours again. */
	if (is_raw != 0 || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return 0;
	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return err_errno(err, "cannot read the modes of the terminal");
	prepare_for_the_worst();
	raw = saved;
	cfmakeraw(&raw);
	is_raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0) {
		is_raw = 0;
		return err_errno(err, "cannot set the modes of the terminal");
	}
	return 0;
}

void
terminal_size(int fd, int *ret_cols, int *ret_rows)
{
	struct winsize size = {0};
	bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;

	*ret_cols = known ? size.ws_col : 80;
	*ret_rows = known ? size.ws_row : 24;
}
