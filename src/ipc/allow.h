/* What the administrator may let a service's compose file do besides: the words of the key `allow` in pgo.toml. One
 * const table: the configuration is checked by it, the policy asks it, pgo.toml(5) has a line for each row. */
#ifndef PGO_IPC_ALLOW_H
#define PGO_IPC_ALLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum allow_form {
	ALLOW_ALONE, /* the key, nothing else */
	ALLOW_WORD,  /* key:value; a * at the value's end stands for anything */
	ALLOW_CAP,   /* key:CAPABILITY, in capitals, without CAP_ */
	ALLOW_PATH,  /* key:/clean/path, that path and what lies beneath; :ro behind it: only read-only */
	ALLOW_PORT,  /* key:PORT or key:FIRST-LAST, /tcp, /udp or /sctp behind it: only that protocol */
};

enum { ALLOW_ENTRY_MAX = 1024, ALLOW_PORT_MAX = 65535 };

struct allow_key {
	const char *key;
	enum allow_form form;
	const char *example; /* a whole entry */
};

extern const struct allow_key allow_table[];
extern const size_t allow_table_n;

/* A port range with its protocol ("" any). */
struct allow_ports {
	int first;
	int last;
	char protocol[8];
};

/* 0 when the entry is one that the table knows, in its form; -EINVAL with a sentence that says what to write. */
int allow_check(const char *entry, struct err *err);
/* The part of an entry behind "key:" when it is about this key ("" for the key alone); NULL when it is about another.
 * Borrowed. */
const char *allow_value(const char *entry, const char *key);
/* Reads "8080", "8000-8010", "53/udp". False when malformed, untouched. */
bool allow_ports_parse(const char *text, struct allow_ports *ret);

#endif
