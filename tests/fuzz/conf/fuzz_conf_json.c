/* Any bytes as one of the two JSON documents: what is accepted can be written for core and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct conf *c = conf_parse((const char *)data, size, &err);
	struct conf *again = NULL;
	auto_free char *json = NULL;

	if (c == NULL) {
		if (err.num == 0 || err.msg[0] == '\0')
			abort();
		return 0;
	}
	if (c->dir == NULL) {
		c->dir = str_dup("/d");
		c->datadir = str_dup("/data");
		c->pins = str_dup("/run/pgo/pins/d");
		c->poll_ms = 1;
	}
	json = conf_for_core(c);
	again = conf_parse(json, strlen(json), &err);
	if (again == NULL || again->nservices != c->nservices)
		abort();
	conf_free(again);
	conf_free(c);
	return 0;
}
