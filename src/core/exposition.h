/* The text format of Prometheus, version 0.0.4. Pure. */
#ifndef PGO_CORE_EXPOSITION_H
#define PGO_CORE_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

/* The two lines in front of a metric's samples. */
void exposition_head(struct buf *b, const char *name, enum metric_type type, const char *help);

/* A sample: its name (with "_sum" and the like behind it, or ""), any number of labels, its value. */
void exposition_name(struct buf *b, const char *name, const char *suffix);
/* The value may be any text. first: no label stands before it. */
void exposition_label(struct buf *b, const char *name, const char *value, bool first);
/* The value, and the end of the line. labelled: at least one label stands before it. */
void exposition_value(struct buf *b, int64_t value, bool labelled);
/* Likewise of thousandths: 1500 is written "1.500". */
void exposition_milli(struct buf *b, int64_t milli, bool labelled);

#endif
