/* The table of `docker compose ps` (as of v2.26), from the engine's list of a project's containers. Pure. */
#ifndef PGO_ENGINE_PS_H
#define PGO_ENGINE_PS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { PS_STATUSES_MAX = 8 };

struct ps_options {
	bool all;	   /* -a, --all: also those that do not run, and one-off containers */
	bool quiet;	   /* -q, --quiet: ids */
	bool services;	   /* --services: names of the compose services */
	bool json;	   /* --format json */
	bool no_trunc;	   /* --no-trunc */
	unsigned statuses; /* --status, --filter status=: bits (1u << enum container_state); 0: no filter */
	struct strv names; /* compose services; none: all */
};
#define PS_OPTIONS_INIT \
	{               \
		0       \
	}
#define auto_ps_options __attribute__((cleanup(ps_options_done)))

/* The arguments behind `ps`, as compose takes them. -EINVAL with a sentence for what is not supported. */
int ps_options_parse(const struct strv *args, struct ps_options *ret_opt, struct err *err);
void ps_options_done(struct ps_options *opt);

struct ps_input {
	const json_t *list; /* GET /containers/json?all=1 of the project */
	const char *project;
	int64_t now; /* seconds since the epoch */
	/* The image as the compose file writes it, NULL to leave what the engine says; borrowed. NULL: no callback. */
	const char *(*image_name)(void *ctx, const char *service);
	void *ctx;
};

/* Adds the text to out. A service without containers is just not in it, as with `docker compose -p PROJECT ps`. Returns
 * 0, or -EPROTO when the list is none. */
int ps_render(const struct ps_input *in, const struct ps_options *opt, struct buf *out, struct err *err);

#endif
