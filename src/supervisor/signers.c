#include "supervisor/signers.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "supervisor/trusted.h"

int
signers_open(const char *path, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(SIGNERS_MAX_BYTES);
	auto_close int fd = trusted_open_file("signers", path, err);

	if (fd < 0)
		return fd;
	if (io_read_all(fd, &text, err) < 0)
		return err_wrap(err, "signers: %s", path);
	return io_memfd("signers", buf_str(&text), text.len, err);
}
