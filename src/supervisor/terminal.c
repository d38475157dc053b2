#include "supervisor/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"

/* What a shell expects, and a kernel does not set: erased characters go as characters of several bytes do. */
static int
set_up(int fd, int cols, int rows, struct err *err)
{
	const struct winsize size = {.ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows};
	struct termios modes;

	if (tcgetattr(fd, &modes) < 0)
		return err_errno(err, "cannot read the terminal's modes");
	modes.c_iflag |= IUTF8;
	if (tcsetattr(fd, TCSANOW, &modes) < 0 || ioctl(fd, TIOCSWINSZ, &size) < 0)
		return err_errno(err, "cannot set the terminal up");
	return 0;
}

int
terminal_open(uid_t uid, int cols, int rows, int *ret_ours, int *ret_theirs, struct err *err)
{
	auto_close int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	auto_close int theirs = -1;
	int rc;

	if (ours < 0)
		return err_errno(err, "cannot make a terminal");
	if (unlockpt(ours) < 0)
		return err_errno(err, "cannot unlock the terminal");
	/* By the descriptor, not by a name: it is this one, whatever is mounted on /dev/pts. */
	theirs = ioctl(ours, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (theirs < 0)
		return err_errno(err, "cannot open the terminal");
	/* Nobody else of its group writes on it. */
	if (fchown(theirs, uid, (gid_t)-1) < 0 || fchmod(theirs, 0600) < 0)
		return err_errno(err, "cannot hand the terminal over");
	rc = set_up(theirs, cols, rows, err);
	if (rc < 0)
		return rc;
	*ret_ours = take_fd(&ours);
	*ret_theirs = take_fd(&theirs);
	return 0;
}
