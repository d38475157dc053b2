#include "ctl/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>

#include "base/auto.h"
#include "base/io.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static volatile sig_atomic_t got;

static void
note_signal(int sig)
{
	got = sig;
}

static int
read_line(int fd, char *buf, size_t size)
{
	size_t len = 0;
	char ch;

	for (;;) {
		ssize_t n = read(fd, &ch, 1);

		if (n < 0 || got != 0)
			return errno == EINTR || got != 0 ? -EINTR : -EIO;
		if (n == 0)
			return -EIO;
		if (ch == '\n')
			break;
		if (len + 1 < size)
			buf[len++] = ch;
	}
	buf[len] = '\0';
	return 0;
}

static int
ask(int fd, const char *prompt, char *buf, size_t size)
{
	int rc = io_write_all(fd, prompt, strlen(prompt), NULL);

	return rc < 0 ? rc : read_line(fd, buf, size);
}

/* The prompt comes after the echo is off: who types as soon as it appears is neither seen nor lost. */
static int
ask_hidden(int fd, const char *prompt, char *buf, size_t size)
{
	struct termios old, quiet;
	int rc;

	if (tcgetattr(fd, &old) < 0)
		return -ENOTTY;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return -ENOTTY;
	rc = ask(fd, prompt, buf, size);
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	(void)io_write_all(fd, "\n", 1, NULL);
	return rc;
}

int
tty_ask(const char *prompt, bool echo, char *buf, size_t size)
{
	auto_close int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct sigaction action = {.sa_handler = note_signal}; /* no SA_RESTART: read must return */
	struct sigaction ignore = {.sa_handler = SIG_IGN};     /* stopping would leave the shell without echo */
	struct sigaction old[ARRAY_LEN(caught)], old_stop;
	int rc;

	if (fd < 0)
		return -ENOTTY;
	got = 0;
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i], &action, &old[i]);
	sigaction(SIGTSTP, &ignore, &old_stop);
	rc = echo ? ask(fd, prompt, buf, size) : ask_hidden(fd, prompt, buf, size);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i], &old[i], NULL);
	sigaction(SIGTSTP, &old_stop, NULL);
	if (got != 0)
		raise(got); /* the terminal is as it was: now the signal does what it would have done */
	return rc;
}
