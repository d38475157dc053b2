#include "core/engine_fault.h"

#include <stddef.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

/* What the last line begins with. What builds and containers print stands in lines before it, or behind compose's own
 * words: none of it can begin that line. Registries are asked by the engine, whose error then begins with the request;
 * what it answers with a status below 500 is no fault of its own. */
static const struct {
	const char *begins;
	const char *what;
} faults[] = {
    {"Cannot connect to the Docker daemon", "it could not be reached"},
    {"error during connect: ", "the connection to it broke"},
    {"request returned Internal Server Error for API route", "it answered with status 500"},
    {"request returned Bad Gateway for API route", "it answered with status 502"},
    {"request returned Service Unavailable for API route", "it answered with status 503"},
    {"request returned Gateway Timeout for API route", "it answered with status 504"},
    {"Error response from daemon: context deadline exceeded", "it ran out of time"},
    {"Error response from daemon: connection error: desc = \"transport:", "it has lost its containerd"},
    {"Error response from daemon: dial unix ", "it has lost its containerd"},
    {"failed to receive status: rpc error: code = Unavailable", "the connection to its builder broke"},
    {"failed to solve: rpc error: code = Unavailable", "the connection to its builder broke"},
};

const char *
engine_fault(const char *tail)
{
	const char *end = tail + strlen(tail);
	const char *line;

	while (end > tail && end[-1] == '\n')
		end--;
	for (line = end; line > tail && line[-1] != '\n'; line--)
		;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (str_starts(line, faults[i].begins))
			return faults[i].what;
	}
	return NULL;
}
