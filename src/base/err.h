/* An error is a number and a sentence. The caller owns it; it is the last parameter of what can fail. */
#ifndef PGO_BASE_ERR_H
#define PGO_BASE_ERR_H

enum { ERR_MSG_MAX = 1024 };

struct err {
	int num; /* a positive errno value; 0 while nothing failed */
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT      \
	{             \
		0, "" \
	}

/* Sets number and sentence. Returns -num, so that callers write `return err_set(...)`. err may be NULL. */
int err_set(struct err *err, int num, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Like err_set with the current errno; appends ": " and its text to the sentence. Returns -errno. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "fmt: " in front of the sentence, once a level on the way out. Returns -err->num. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
