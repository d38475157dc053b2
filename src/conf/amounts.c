#include "conf/amounts.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define MIB (INT64_C(1) << 20)

enum { APP_PIDS = 1024 };

static const struct {
	const char *field;
	int64_t otherwise;
	int64_t min;
	int64_t max;
	double unit; /* of a number in the file, in units of the field */
	const char *range;
	bool is_size;
} kinds[] = {
    [AMOUNT_TIMEOUT] = {"timeout_ms", 0, SECOND_MS, 24 * HOUR_MS, 0, "1s and 24h", false},
    [AMOUNT_HEALTH_TIMEOUT] = {"health_timeout_ms", 2 * MINUTE_MS, SECOND_MS, HOUR_MS, 0, "1s and 1h", false},
    [AMOUNT_SETTLE] = {"settle_ms", 2 * SECOND_MS, 0, 10 * MINUTE_MS, 0, "0s and 10m", false},
    [AMOUNT_KEEP] = {"keep", 3, 1, 20, 1, "1 and 20", false},
    [AMOUNT_CPUS] = {"cpus_milli", 0, 10, INT64_C(1024) * 1000, 1000, "0.01 and 1024", false},
    /* The engine refuses less than 6 MiB. */
    [AMOUNT_MEMORY] = {"memory_bytes", 0, 6 * MIB, MIB << 20, 0, "6m and 1t", true},
    /* The highest that Linux's kernel.pid_max can be. */
    [AMOUNT_PIDS] = {"pids", 0, 1, 1 << 22, 1, "1 and 4194304", false},
    [AMOUNT_PUSH_SIZE] = {"max_bytes", MIB << 10, MIB, MIB << 20, 0, "1m and 1t", true},
    [AMOUNT_PUSH_OBJECTS] = {"max_objects", 1000 * 1000, 1, INT64_C(1) << 31, 1, "1 and 2147483648", false},
};
_Static_assert(ARRAY_LEN(kinds) == AMOUNTS_ALL, "every amount has its row");

const char *
amount_field(enum amount a)
{
	return kinds[a].field;
}

int64_t
amount_otherwise(enum amount a)
{
	return kinds[a].otherwise;
}

int64_t
amount_otherwise_of_app(enum amount a)
{
	return a == AMOUNT_PIDS ? APP_PIDS : kinds[a].otherwise;
}

bool
amount_fits(enum amount a, int64_t n)
{
	return n == kinds[a].otherwise || (n >= kinds[a].min && n <= kinds[a].max);
}

static int
out_of_range(enum amount a, struct err *err)
{
	return err_set(err, EINVAL, "is not between %s", kinds[a].range);
}

static int
check_range(enum amount a, int64_t n, int64_t *ret_n, struct err *err)
{
	if (n < kinds[a].min || n > kinds[a].max)
		return out_of_range(a, err);
	*ret_n = n;
	return 0;
}

/* Digits, and perhaps a point and more of them: what is finer than a byte of a tebibyte does not count. False without
 * any digit. */
static bool
read_count(const char **s, double *ret_count)
{
	double count = 0;
	double scale = 1;
	size_t digits = 0;
	bool point = false;

	for (; isdigit((unsigned char)**s) || (**s == '.' && !point); (*s)++) {
		if (**s == '.') {
			point = true;
			continue;
		}
		count = count * 10 + (**s - '0');
		scale *= point ? 10 : 1;
		if (++digits > 24)
			return false;
	}
	*ret_count = count / scale;
	return digits > 0;
}

/* "m", "mb", "mib", in either case: a power of 1024, as compose has it. False when it is none. */
static bool
read_size_unit(const char *s, double *ret_unit)
{
	static const char letters[] = "bkmgt";
	const char *at = *s == '\0' ? letters : strchr(letters, tolower((unsigned char)*s));

	if (at == NULL)
		return false;
	*ret_unit = (double)(INT64_C(1) << (10 * (at - letters)));
	if (*s == '\0' || s[1] == '\0')
		return true;
	return at != letters && (strcasecmp(s + 1, "b") == 0 || strcasecmp(s + 1, "ib") == 0);
}

static int
size_of_text(enum amount a, const char *s, int64_t *ret_n, struct err *err)
{
	double count;
	double unit;

	if (!read_count(&s, &count))
		return err_set(err, EINVAL, "is no size such as \"512m\" or \"2g\"");
	if (*s == ' ')
		s++;
	if (!read_size_unit(s, &unit))
		return err_set(err, EINVAL, "is no size such as \"512m\" or \"2g\"");
	if (count * unit > (double)kinds[a].max)
		return out_of_range(a, err);
	return check_range(a, (int64_t)(count * unit), ret_n, err);
}

int
amount_of_text(enum amount a, const char *s, int64_t *ret_n, struct err *err)
{
	int64_t ms;

	if (kinds[a].is_size)
		return size_of_text(a, s, ret_n, err);
	if (!str_to_duration_ms(s, &ms))
		return err_set(err, EINVAL, "is no duration such as \"90s\", \"10m\" or \"1h30m\"");
	return check_range(a, ms, ret_n, err);
}

int
amount_of_number(enum amount a, double number, int64_t *ret_n, struct err *err)
{
	/* Not a number is neither above nor below anything. */
	if (!(number * kinds[a].unit >= (double)kinds[a].min && number * kinds[a].unit <= (double)kinds[a].max))
		return out_of_range(a, err);
	return check_range(a, (int64_t)(number * kinds[a].unit + 0.5), ret_n, err);
}
