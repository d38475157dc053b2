#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formats into a buffer of its own first, because the arguments may point into err->msg. */
static void __attribute__((format(printf, 3, 0)))
set(struct err *err, int num, const char *fmt, va_list ap, const char *tail)
{
	char text[ERR_MSG_MAX];
	int len;

	if (err == NULL)
		return;
	len = vsnprintf(text, sizeof(text), fmt, ap);
	if (len < 0)
		text[0] = '\0';
	if (snprintf(err->msg, sizeof(err->msg), "%s%s%s", text, tail == NULL ? "" : ": ", tail == NULL ? "" : tail) <
	    0)
		err->msg[0] = '\0';
	err->num = num;
}

int
err_set(struct err *err, int num, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(err, num, fmt, ap, NULL);
	va_end(ap);
	return -num;
}

int
err_errno(struct err *err, const char *fmt, ...)
{
	int num = errno;
	va_list ap;

	va_start(ap, fmt);
	set(err, num, fmt, ap, strerror(num));
	va_end(ap);
	return -num;
}

int
err_wrap(struct err *err, const char *fmt, ...)
{
	char old[ERR_MSG_MAX];
	va_list ap;

	/* Without an object the number is lost; the caller must still see a failure. */
	if (err == NULL)
		return -EIO;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	set(err, err->num, fmt, ap, old);
	va_end(ap);
	return -err->num;
}
