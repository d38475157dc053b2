/* Values, and what a rule says of each. */
#ifndef PGO_TESTS_CONF_SAMPLES_H
#define PGO_TESTS_CONF_SAMPLES_H

#include "cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

struct sample {
	const char *value;
	const char *part; /* of the sentence; NULL: the value is fine */
};

static inline void
try_all(int (*rule)(const char *, struct err *), const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err err = ERR_INIT;
		int r = rule(samples[i].value, &err);

		if (samples[i].part == NULL && r != 0)
			fail_msg("\"%s\" is refused: %s", samples[i].value, err.msg);
		if (samples[i].part != NULL && (r != -EINVAL || strstr(err.msg, samples[i].part) == NULL))
			fail_msg(
			    "\"%s\" gives %d, \"%s\", without \"%s\"", samples[i].value, r, err.msg, samples[i].part);
	}
}

#endif
