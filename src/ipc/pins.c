#include "ipc/pins.h"

#include <errno.h>
#include <string.h>

#include "base/path.h"

void
pin_set_done(struct pin_set *ps)
{
	strv_done(&ps->names);
	strv_done(&ps->sources);
}

bool
pin_set_add(struct pin_set *ps, const char *name, const char *source)
{
	return strv_has(&ps->names, name) || (strv_add(&ps->names, name) && strv_add(&ps->sources, source));
}

void
pin_set_pack(const struct pin_set *ps, struct buf *ret)
{
	for (size_t i = 0; i < ps->names.n; i++) {
		buf_add(ret, ps->names.v[i], strlen(ps->names.v[i]) + 1);
		buf_add(ret, ps->sources.v[i], strlen(ps->sources.v[i]) + 1);
	}
}

bool
pin_name_ok(const char *name)
{
	return strlen(name) == PIN_NAME_LEN && strspn(name, "0123456789abcdef") == PIN_NAME_LEN;
}

/* The string at *at, which moves behind its NUL; NULL without one. */
static const char *
next_string(const char **at, const char *end)
{
	const char *s = *at;
	const char *nul = memchr(s, '\0', (size_t)(end - s));

	if (nul != NULL)
		*at = nul + 1;
	return nul == NULL ? NULL : s;
}

int
pin_set_unpack(const char *data, size_t len, struct pin_set *ret, struct err *err)
{
	auto_pin_set struct pin_set ps = {0};
	const char *at = data, *end = data + len;

	while (at < end) {
		const char *name = next_string(&at, end);
		const char *source = name == NULL ? NULL : next_string(&at, end);

		if (source == NULL || !pin_name_ok(name) || strv_has(&ps.names, name) || !path_is_clean(source) ||
		    !pin_set_add(&ps, name, source))
			return err_set(err, EBADMSG, "pin %zu of the set is malformed", ps.names.n);
	}
	*ret = ps;
	ps = (struct pin_set){0};
	return 0;
}

char *
pin_path(const char *pins, const char *service, const char *name)
{
	return str_printf("%s/%s/%s/src", pins, service, name);
}
