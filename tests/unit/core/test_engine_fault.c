/* Which failures of compose are the engine's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/engine_fault.h"

#define SOCK "http://%2Fvar%2Frun%2Fdocker.sock/v1.45/containers/json"

/* As compose 2.26 prints them. */
static const char *const faults[] = {
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    "#5 0.1 making\nerror during connect: Get \"" SOCK "\": EOF\n",
    "error during connect: Post \"" SOCK "\": read unix @->/run/docker.sock: read: connection reset by peer",
    "x\nrequest returned Internal Server Error for API route and version " SOCK ", check if the server supports it",
    "request returned Bad Gateway for API route and version " SOCK ", check if the server supports it",
    "request returned Service Unavailable for API route and version " SOCK ", check if the server supports it",
    "request returned Gateway Timeout for API route and version " SOCK ", check if the server supports it",
    " Container a-web-1  Starting\nError response from daemon: context deadline exceeded",
    "Error response from daemon: connection error: desc = \"transport: Error while dialing: dial unix /run/c.sock\"",
    "Error response from daemon: dial unix /run/containerd/containerd.sock: connect: connection refused",
    "failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
    "failed to solve: rpc error: code = Unavailable desc = closing transport due to: connection error",
};

static const char *const others[] = {
    "",
    "\n\n",
    "failed to solve: process \"/bin/sh -c false\" did not complete successfully: exit code: 1",
    "failed to solve: process \"/bin/sh -c echo error during connect: EOF\" did not complete successfully: exit code: 1",
    "error during connect: EOF\nfailed to solve: process \"/bin/sh -c false\" did not complete successfully",
    "#7 0.3 Cannot connect to the Docker daemon",
    " error during connect: EOF",
    "failed to solve: x: failed to do request: Head \"https://r/v2/x\": connection reset by peer",
    "Error response from daemon: Get \"https://registry-1.docker.io/v2/\": context deadline exceeded",
    "Error response from daemon: Head \"https://r/v2/x/manifests/1\": unauthorized: authentication required",
    "Error response from daemon: driver failed programming external connectivity: port is already allocated",
    "Error response from daemon: No such image: sha256:0",
    "request returned Not Found for API route and version " SOCK ", check if the server supports it",
    "dependency failed to start: container a-db-1 is unhealthy",
    "failed to solve: rpc error: code = Unknown desc = executor failed running",
    "EOF",
};

static void
the_engines_own_failures_are_told_from_all_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (engine_fault(faults[i]) == NULL)
			fail_msg("not known: %s", faults[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (engine_fault(others[i]) != NULL)
			fail_msg("%s: %s", engine_fault(others[i]), others[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_engines_own_failures_are_told_from_all_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
