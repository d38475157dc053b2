/* Who may ask for what: the key that signed, held against the lines in the repository of a service, against the
 * operators of pgo.toml, and against the keys that were uploaded for pushes. Pure. */
#ifndef PGO_CORE_ACCESS_H
#define PGO_CORE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/operators.h"
#include "core/keys.h"
#include "core/pushkey.h"

/* Somebody who has proved to hold a key. */
struct asker {
	const void *blob;
	size_t blob_len;
	const char *address; /* in digits, without a port */
	int64_t now_s;	     /* wall clock */
};

/* What the lines with the key give it together: each counts for itself, where and while its options let it. */
struct access {
	bool known;	 /* one of them counts: the holder may know of the service */
	bool all;	 /* every operation */
	struct strv may; /* else these */
	bool terminal;	 /* exec on a terminal as well */
	char *who;   /* "SHA256:… tess.pub", "SHA256:… operator alice": for logs; without a line, the fingerprint */
	char *place; /* "ssh/tess.pub:3", "operator alice": the first that counts; "" */
	const struct conf_operator *operator; /* who it is; NULL when the key is no operator's that counts */
	const char *why;		      /* the key is in a line that does not count now; NULL; static */
};
#define auto_access __attribute__((cleanup(access_done)))

/* Adds what a service's keys give. Begin with access_begin. */
void access_add_keys(struct access *a, const struct keys *keys, const struct asker *asker);
/* Adds what the key of an operator gives on a service of this name, also where there is none; NULL: on the host. */
void access_add_operators(
    struct access *a, const struct conf_operators *operators, const char *service, const struct asker *asker);
/* Adds what an uploaded key gives on an app, which is all operations; `repository` is the app to whose repository it is
 * pushed: itself, but for the app of a branch. */
void access_add_pushkeys(
    struct access *a, const struct pushkeys *keys, const char *app, const char *repository, const struct asker *asker);
/* Adds what one gives where there is no app of this name: a push, which makes it. */
void access_add_makers(struct access *a, const struct pushkeys *keys, const char *app, const struct asker *asker);
/* Nothing is given yet. access_done frees what is in it. */
void access_begin(struct access *a, const struct asker *asker);
void access_done(struct access *a);
/* May the operation be asked for? */
bool access_may(const struct access *a, const char *op);
/* The address in "192.0.2.1:22" or "[2001:db8::1]:22". The caller frees. */
char *access_address(const char *peer);

#endif
