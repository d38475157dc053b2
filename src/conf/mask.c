#include "conf/mask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/rules.h"

uint64_t
mask_roll(const char *s, size_t len)
{
	uint64_t roll = 0;

	for (size_t i = 0; i < len; i++)
		roll = roll * MASK_BASE + (unsigned char)s[i];
	return roll;
}

uint64_t
mask_factor(size_t len)
{
	uint64_t factor = 1;

	for (size_t i = 1; i < len; i++)
		factor *= MASK_BASE;
	return factor;
}

int
mask_parse(const char *s, struct mask *ret, struct err *err)
{
	struct mask m;
	int end = 0;

	if (sscanf(s, "%64[A-Za-z0-9_-] %6zu %16" SCNx64 " %64[0-9a-f]%n", m.name, &m.len, &m.roll, m.digest, &end) !=
		4 ||
	    s[end] != '\0' || strlen(m.digest) != MASK_DIGEST - 1 || m.len == 0)
		return err_set(err, EINVAL, "is no mask");
	*ret = m;
	return 0;
}

int
rule_mask(const char *s, struct err *err)
{
	struct mask m;

	return mask_parse(s, &m, err);
}
