/* Every limit of pgod-web, with its reason. The quick variant is for the tests, which cannot wait for long. */
#ifndef PGO_WEB_BOUNDS_H
#define PGO_WEB_BOUNDS_H

#ifdef PGO_WEB_QUICK_LIMITS
enum {
	REQUEST_MS = 1200,
	LIFE_MS = 3000,
	CORE_MS = 1800,
	FRESH_MS = 200,
};
#else
enum {
	REQUEST_MS = 5 * 1000, /* connected to asked: a scraper sends its few hundred bytes at once */
	LIFE_MS = 20 * 1000,   /* of a connection: the whole page has been taken; Prometheus waits for 10 s */
	FRESH_MS = 1000,       /* core is asked at most so often, whoever asks us */
	CORE_MS = 3 * 1000,    /* core's answer: it may be about to write a large model to the disk */
};
#endif

enum {
	VISITORS_MAX = 64,	     /* connections; one more takes the place of the oldest that dawdles */
	ACCEPT_BURST = 16,	     /* of one turn, so that each visitor is heard before it could have to go */
	DAWDLE_MS = 1000,	     /* one that has asked and takes so long to read may be asked to go */
	HEADER_MAX_BYTES = 8 * 1024, /* request line and headers; and what is kept of an answer besides the page */
	TICK_MS = 100,		     /* between two looks at the deadlines while there are connections */
	PAGE_MAX_BYTES = 16 * 1024 * 1024,    /* some 5000 services */
	FDS_MAX = 128,			      /* VISITORS_MAX, and some that are closing, listening or waiting */
	MEMORY_MAX_BYTES = 192 * 1024 * 1024, /* address space: 20 MiB of libraries, the rest caps old pages */
};

#endif
