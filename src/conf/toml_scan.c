#include "conf/toml.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct scan {
	const char *p;
	const char *end;
	int line;
	int column;
	int dots;
};

static void
step(struct scan *s)
{
	if (*s->p == '\n') {
		s->line++;
		s->column = 1;
	} else if (((unsigned char)*s->p & 0xC0) != 0x80) {
		s->column++; /* continuation bytes of UTF-8 are no columns */
	}
	s->p++;
}

static void
step_n(struct scan *s, size_t n)
{
	for (size_t i = 0; i < n && s->p < s->end; i++)
		step(s);
}

static bool
at_triple(const struct scan *s, char quote)
{
	return s->end - s->p >= 3 && s->p[0] == quote && s->p[1] == quote && s->p[2] == quote;
}

static void
skip_comment(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		step(s);
}

/* Behind """ or ''': to behind the closing one. Up to two more quotes before it belong to the string. */
static void
skip_long_string(struct scan *s, char quote)
{
	while (s->p < s->end && !at_triple(s, quote))
		step_n(s, quote == '"' && *s->p == '\\' ? 2 : 1);
	step_n(s, 3);
	for (int i = 0; i < 2 && s->p < s->end && *s->p == quote; i++)
		step(s);
}

static void
skip_string(struct scan *s)
{
	char quote = *s->p;

	if (at_triple(s, quote)) {
		step_n(s, 3);
		skip_long_string(s, quote);
		return;
	}
	step(s);
	while (s->p < s->end && *s->p != quote && *s->p != '\n')
		step_n(s, quote == '"' && *s->p == '\\' ? 2 : 1);
	step_n(s, 1);
}

static void
scan_one(struct scan *s)
{
	switch (*s->p) {
	case '#':
		skip_comment(s);
		return;
	case '"':
	case '\'':
		skip_string(s);
		return;
	case '.':
		s->dots++;
		break;
	case '\n':
	case '=':
	case ',':
	case '[':
	case ']':
	case '{':
	case '}':
		s->dots = 0;
		break;
	default:
		break;
	}
	step(s);
}

int
toml_scan_dots(const char *text, size_t len, struct toml_problem *ret_problem)
{
	struct scan s = {.p = text, .end = text + len, .line = 1, .column = 1};

	while (s.p < s.end) {
		int line = s.line;
		int column = s.column;

		scan_one(&s);
		if (s.dots > TOML_DOTS_MAX) {
			ret_problem->line = line;
			ret_problem->column = column;
			snprintf(ret_problem->sentence, sizeof(ret_problem->sentence),
			    "a key with more than %d dots: no key of pgo.toml has any", TOML_DOTS_MAX);
			return -1;
		}
	}
	return 0;
}
