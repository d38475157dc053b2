/* The file CNAME, which whoever pushes writes: what comes out of it stands in a proxy's configuration that root
 * writes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/cname.h"
#include "core/domains.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check_name(const char *name)
{
	const char *plain = name + (str_starts(name, "*.") ? 2 : 0);

	must(plain[strspn(plain, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0');
	must(strlen(name) <= 253 && strchr(plain, '.') != NULL && strstr(plain, "..") == NULL);
	must(plain[0] != '.' && plain[0] != '-' && plain[strlen(plain) - 1] != '.' && plain[strlen(plain) - 1] != '-');
}

/* Whatever the file says, the names of others stay theirs. */
static void
check_owner(const char *name)
{
	auto_domains struct domains t = {.zone = str_dup("1.2.3.4.sslip.io")};

	domains_add(&t, "victim", "victim.1.2.3.4.sslip.io");
	domains_add(&t, "victim", "a.com");
	if (domains_judge(&t, "app", name, NULL) == 0)
		must(!str_eq(name, "a.com") && !str_ends(name, "victim.1.2.3.4.sslip.io") &&
		     !str_eq(name, "*.1.2.3.4.sslip.io"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_cname struct cname c = {0};
	struct err err = ERR_INIT;

	if (cname_parse((const char *)data, size, &c, &err) < 0) {
		must(str_starts(err.msg, "CNAME:") && err.msg[strcspn(err.msg, "\x1b\n\r")] == '\0');
		return 0;
	}
	must(c.names.n <= CNAME_NAMES_MAX);
	for (size_t i = 0; i < c.names.n; i++) {
		must(c.lines[i] > 0 && (i == 0 || c.lines[i] > c.lines[i - 1]));
		check_name(c.names.v[i]);
		check_owner(c.names.v[i]);
	}
	return 0;
}
