/* Every limit of a connection, with its reason. The quick variant is for the tests, which cannot wait for minutes. */
#ifndef PGO_SSH_BOUNDS_H
#define PGO_SSH_BOUNDS_H

#ifdef PGO_SSH_QUICK_LIMITS
enum {
	GRACE_MS = 1500,
	EXEC_WAIT_MS = 1500,
	STALL_MS = 2500,
	KEEPALIVE_MS = 700,
	SILENCE_MS = 3000,
};
#else
enum {
	GRACE_MS =
	    20 * 1000, /* connect to authenticated: a passphrase typed slowly fits, a parked connection does not */
	EXEC_WAIT_MS = 30 * 1000, /* authenticated to exec: clients ask at once */
	STALL_MS = 120 * 1000,	  /* bytes wait and TCP takes none of them: the client is stopped or gone */
	KEEPALIVE_MS = 60 * 1000, /* nothing heard: ask whether the client still lives */
	SILENCE_MS = 240 * 1000,  /* nothing heard for that long, although asked: it does not */
};
#endif

enum {
	AUTH_TRIES_MAX = 6,	 /* as OpenSSH's MaxAuthTries; the first "none", which asks for methods, is free */
	BYE_MS = 5 * 1000,	 /* closed to gone: the client has everything and only needs to leave */
	LINGER_MS = 2 * 1000,	 /* a job's grandchild may hold its pipes this long after the job ended */
	CTRL_D = 4,		 /* what ends the input of a terminal, when it is typed */
	GOODBYE_MS = 300,	 /* for a command on a terminal to take it, once its client has gone */
	CHUNK_BYTES = 32 * 1024, /* one read of a pipe: one packet of OpenSSH's size, doubled when \n becomes \r\n */
	TEXT_MAX_BYTES = 2 * 64 * 1024, /* one `output` message is at most MSG_MAX, doubled when \n becomes \r\n */
	STDIN_MAX_BYTES =
	    4 * 1024 * 1024,	  /* libssh offers a window of 1.2 MiB; more unread means the client ignores it */
	USER_SHOWN_BYTES = 64,	  /* of the foreign user name */
	KEY_MAX_BYTES = 8 * 1024, /* base64 of a public key: rsa of 16384 bits has 2.8 KiB; all must fit in MSG_MAX */
	HOSTKEY_MAX_BYTES = 16 * 1024, /* the private key's text: ed25519 has 400 bytes */
	RSA_MIN_BITS = 2048,
	WATCHDOG_S = 60,	 /* one turn of the loop takes milliseconds: more is an endless loop in the library */
	POLL_MAX_MS = 15 * 1000, /* so that the watchdog is wound up in time */
	MEMORY_MAX_BYTES = 192 * 1024 * 1024, /* address space: 40 MiB of libraries, the rest caps what libssh queues */
	FDS_MAX = 16,			      /* 0-5, three pipes, and room for the message that brings them */
};

#endif
