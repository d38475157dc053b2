/* git's lines on a hook's stdin: those that stand there come, byte by byte, and nothing else does. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "job/pktline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
feed(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("stdin", MFD_CLOEXEC);
		must(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	}
	must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
}

/* The length that the next line gives itself, with its head, by libc's reading of it; 0: it is no line. */
static size_t
length_at(const uint8_t *data, size_t left)
{
	char head[5] = "";
	unsigned long n;

	if (left < 4 || memchr(data, '\0', 4) != NULL)
		return 0;
	memcpy(head, data, 4);
	if (strspn(head, "0123456789abcdefABCDEF") != 4)
		return 0;
	n = strtoul(head, NULL, 16);
	if (n == 0)
		return 4; /* a flush */
	return n >= 4 && n <= PKTLINE_MAX + 4 && n <= left ? n : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char line[PKTLINE_MAX + 1];
	size_t at = 0;

	feed(data, size);
	for (;;) {
		struct err err = ERR_INIT;
		size_t whole = length_at(data + at, size - at);
		size_t wanted = whole > 4 ? whole - 4 : 0;
		int n = pktline_read(line, &err);

		if (whole == 0) {
			must(n == -EPROTO && err.msg[0] != '\0');
			return 0;
		}
		if (wanted > 0 && data[at + whole - 1] == '\n')
			wanted--;
		must(n == (int)wanted && line[n] == '\0' && memcmp(line, data + at + 4, wanted) == 0);
		at += whole;
	}
}
