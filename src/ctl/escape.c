#include "ctl/escape.h"

bool
escape_filter(struct escape *e, const char *typed, size_t len, struct buf *ret)
{
	for (size_t i = 0; i < len; i++) {
		bool held = e->state == ESCAPE_TILDE;

		if (e->state == ESCAPE_LINE && typed[i] == '~') {
			e->state = ESCAPE_TILDE;
			continue;
		}
		if (held && typed[i] == '.')
			return true;
		e->state = typed[i] == '\r' || typed[i] == '\n' ? ESCAPE_LINE : ESCAPE_WITHIN;
		if (held && typed[i] != '~')
			buf_str_add(ret, "~");
		buf_add(ret, typed + i, 1);
	}
	return false;
}
