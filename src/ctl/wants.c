#include "ctl/wants.h"

#include <string.h>

#include "base/auto.h"
#include "base/str.h"

/* Options of `exec` with a value that may be the next word. */
static const char *const valued[] = {"--env", "--workdir", "--index", "--user"};
static const char valued_letters[] = "ewu";

static bool
long_takes_next(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(valued); i++) {
		if (str_eq(word, valued[i]))
			return true;
	}
	return false;
}

/* "-it", "-e", "-eA=b": notes the flags, tells whether the next word is the last one's value. */
static bool
letters(const char *word, bool *terminal, bool *none)
{
	for (const char *p = word + 1; *p != '\0'; p++) {
		if (strchr(valued_letters, *p) != NULL)
			return p[1] == '\0';
		*terminal = *terminal || *p == 't';
		*none = *none || *p == 'T' || *p == 'd';
	}
	return false;
}

static bool
exec_on_terminal(char *const *args, size_t nargs)
{
	bool terminal = false;
	bool none = false;

	for (size_t i = 0; i < nargs && args[i][0] == '-' && args[i][1] != '\0' && !str_eq(args[i], "--"); i++) {
		bool next = args[i][1] == '-' ? long_takes_next(args[i]) : letters(args[i], &terminal, &none);

		terminal = terminal || str_eq(args[i], "--tty") || str_eq(args[i], "--tty=true");
		none = none || str_starts(args[i], "--no-TTY") || str_starts(args[i], "--detach");
		i += next ? 1 : 0;
	}
	return terminal && !none;
}

/* `config import`, and `config set NAME` without a value. */
static bool
config_reads(const char *op, char *const *args, size_t nargs)
{
	if (!str_ends(op, "//config") || nargs == 0)
		return false;
	return str_eq(args[0], "import") || (nargs == 2 && str_eq(args[0], "set") && strchr(args[1], '=') == NULL);
}

struct wants
wants_of(const char *op, char *const *args, size_t nargs)
{
	bool command = str_ends(op, "//exec") || str_ends(op, "//run");
	struct wants w = {.input = command || str_eq(op, "host://upload-key") || config_reads(op, args, nargs)};

	if (command && exec_on_terminal(args, nargs))
		w.terminal = TERMINAL_USED;
	else if (str_ends(op, "//logs"))
		w.terminal = TERMINAL_SHOWN;
	return w;
}
