/* What is wrong with a configuration: collected all at once, told in the order of the file. */
#ifndef PGO_CONF_PROBLEMS_H
#define PGO_CONF_PROBLEMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { PROBLEMS_MAX = 1000, PROBLEM_SENTENCE_MAX = 1024 };

struct problem {
	int line;
	int column;
	char *sentence; /* owned */
};

struct problems {
	struct problem *v;
	size_t n;
	bool more; /* there were more than PROBLEMS_MAX */
};
#define auto_problems __attribute__((cleanup(problems_done)))

void problems_done(struct problems *ps);
/* Adds one; foreign text must have been through buf_vis. Beyond PROBLEMS_MAX only the fact is kept. */
void problems_add(struct problems *ps, int line, int column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Sorts by line and column (equal places keep their order) and makes the list for the document. The caller owns it. */
json_t *problems_json(struct problems *ps);

#endif
