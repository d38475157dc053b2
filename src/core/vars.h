/* The variables of an app (`config`): a sorted set of names with their values, which are secrets. Pure. */
#ifndef PGO_CORE_VARS_H
#define PGO_CORE_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define VAR_CONTAINERS "CONTAINERS" /* how many instances there are of `web` */

enum {
	VAR_NAME_MAX = 64,
	VAR_VALUE_MAX = 64 * 1024, /* bytes: a command takes no more than 128 KiB in one variable */
	VARS_MAX = 256,		   /* of an app */
	VARS_BYTES_MAX = 256 * 1024,
	VAR_CONTAINERS_MAX = 64,
};

struct var {
	char *name;
	char *value; /* UTF-8, any character but NUL */
};

struct vars {
	struct var *v; /* sorted by name */
	size_t n;
	size_t bytes; /* of all of them, each with its "=" and its NUL */
};

#define auto_vars __attribute__((cleanup(vars_done)))

/* Overwrites and frees. */
void vars_done(struct vars *vars);
/* NULL when there is none; borrowed. */
const char *vars_get(const struct vars *vars, const char *name);
/* ^[A-Za-z_][A-Za-z0-9_]*$, and none that is refused: -EINVAL with a sentence. */
int vars_check_name(const char *name, struct err *err);
/* -EINVAL, -E2BIG with a sentence that says nothing of the value. */
int vars_set(struct vars *vars, const char *name, const char *value, size_t value_len, struct err *err);
/* False when there is none. */
bool vars_unset(struct vars *vars, const char *name);
/* Sets all of the other's. */
int vars_merge(struct vars *vars, const struct vars *with, struct err *err);
bool vars_equal(const struct vars *a, const struct vars *b);

/* What people write and read: see vars_text.c. */
enum vars_format {
	VARS_DOTENV, /* NAME="value", escaped */
	VARS_SHELL,  /* export NAME='value' */
	VARS_JSON,   /* {"NAME": "value"} */
};

/* "dotenv", "shell", "json". */
bool vars_format_of(const char *word, enum vars_format *ret);
/* A text that vars_import takes back. */
void vars_export(const struct vars *vars, enum vars_format format, struct buf *ret);
/* Reads any of the three; a text whose first character is "{" is JSON. -EINVAL with the line and what is wrong there,
 * and nothing of a value. *ret is empty then. */
int vars_import(const char *text, size_t len, struct vars *ret, struct err *err);
/* As the job `resolve` gets them: NAME=VALUE, each with a NUL behind it. */
void vars_packed(const struct vars *vars, struct buf *ret);

#endif
