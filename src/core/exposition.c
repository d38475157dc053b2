#include "core/exposition.h"

#include <inttypes.h>
#include <string.h>

static const char *const type_text[] = {
    [METRIC_GAUGE] = "gauge", [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram"};

void
exposition_head(struct buf *b, const char *name, enum metric_type type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type_text[type]);
}

void
exposition_name(struct buf *b, const char *name, const char *suffix)
{
	buf_printf(b, "%s%s", name, suffix);
}

/* What is no UTF-8 would make a scraper refuse the whole page; a quote or a newline would make labels of a value. */
void
exposition_label(struct buf *b, const char *name, const char *value, bool first)
{
	auto_buf struct buf clean = BUF_INIT(4 * 1024);

	buf_vis(&clean, value, strlen(value), false);
	buf_printf(b, "%s%s=\"", first ? "{" : ",", name);
	for (const char *p = buf_str(&clean); *p != '\0';) {
		size_t plain = strcspn(p, "\\\"");

		buf_add(b, p, plain);
		p += plain;
		if (*p != '\0')
			buf_printf(b, "\\%c", *p++);
	}
	buf_str_add(b, "\"");
}

void
exposition_value(struct buf *b, int64_t value, bool labelled)
{
	buf_printf(b, "%s %" PRId64 "\n", labelled ? "}" : "", value);
}

void
exposition_milli(struct buf *b, int64_t milli, bool labelled)
{
	buf_printf(b, "%s %" PRId64 ".%03d\n", labelled ? "}" : "", milli / 1000, (int)(milli % 1000));
}
