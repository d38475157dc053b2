/* What differs between two pieces of a model, a line a value, in words for people: what may be a secret is hidden, what
 * others wrote is escaped and short. Pure. */
#ifndef PGO_COMPOSE_DIFF_H
#define PGO_COMPOSE_DIFF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	DIFF_TEXT_MAX = 160,   /* bytes of a path or value that are shown */
	DIFF_CHANGES_MAX = 64, /* a list; what is more is only counted */
};

struct change {
	char *path;  /* "environment.PASSWORD", "volumes[/data].source": one line, escaped */
	char *was;   /* NULL: it was not there */
	char *is;    /* NULL: it is not there any more */
	bool hidden; /* the values are not shown: was and is say so */
};

struct changes {
	struct change *v;
	size_t n;
	size_t more; /* not in v */
};
#define auto_changes __attribute__((cleanup(changes_done)))
void changes_done(struct changes *cs);

/* Adds what differs at path between two values of it, in a stable order; NULL: there is none. Values of environments,
 * build arguments, contents and options are hidden, and whatever looks like a password in what may hold one. */
void diff_json(const char *path, const json_t *was, const json_t *is, struct changes *ret);
/* Adds one; the texts are escaped, cut, and the caller's. */
void diff_add(struct changes *ret, const char *path, const char *was, const char *is);

/* May this text hold a password, as a command or a label does? "--requirepass x", "https://a:b@c", "-px". */
bool diff_looks_secret(const char *text);

#endif
