/* [USER@]HOST:SERVICE//OPERATION: whom to ask for what. */
#ifndef PGO_CTL_TARGET_H
#define PGO_CTL_TARGET_H

#include "base/err.h"

struct target {
	char *user; /* NULL: the local user's name */
	char *host; /* name, IPv4 or IPv6 address, without brackets */
	char *op;   /* "service//op" */
};
#define TARGET_INIT              \
	{                        \
		NULL, NULL, NULL \
	}
#define auto_target __attribute__((cleanup(target_done)))

void target_done(struct target *t);
/* Only the obvious is checked here: the server knows its services and operations. */
int target_parse(const char *text, struct target *ret_t, struct err *err);

#endif
