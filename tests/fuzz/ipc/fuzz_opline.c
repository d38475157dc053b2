/* What a client may send as its exec string. What parses must survive formatting and parsing again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/opline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check_limits(const struct opline *ol)
{
	must(ol->service[0] != '\0' && ol->op[0] != '\0');
	must(strstr(ol->service, "//") == NULL && strstr(ol->op, "//") == NULL);
	must(ol->args.n <= OPLINE_ARGS_MAX);
}

static void
check_round_trip(const struct opline *ol)
{
	auto_free char *first = str_printf("%s//%s", ol->service, ol->op);
	auto_free char *line = opline_format(first, ol->args.v, ol->args.n);
	auto_opline struct opline again = OPLINE_INIT;
	int r = opline_parse(line, strlen(line), &again, NULL);

	if (strlen(line) > OPLINE_MAX) { /* quotes made it longer than may be sent */
		must(r < 0);
		return;
	}
	must(r == 0 && str_eq(again.service, ol->service) && str_eq(again.op, ol->op) && again.args.n == ol->args.n);
	for (size_t i = 0; i < ol->args.n; i++)
		must(str_eq(again.args.v[i], ol->args.v[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_opline struct opline ol = OPLINE_INIT;
	struct err err = ERR_INIT;
	int r = opline_parse((const char *)data, size, &ol, &err);

	must(r == 0 || (r == -err.num && err.msg[0] != '\0' && ol.service == NULL));
	if (r == 0) {
		check_limits(&ol);
		check_round_trip(&ol);
	}
	return 0;
}
