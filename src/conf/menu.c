#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "conf/keys.h"

int
menu_find(const struct menu *menu, const char *name)
{
	for (size_t i = 0; i < menu->n; i++) {
		if (strcasecmp(menu->keys[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

enum { NEAR_LEN_MAX = 24 };

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance (Levenshtein), without regard to case; both are at most NEAR_LEN_MAX long. */
static size_t
letters_off(const char *a, const char *b)
{
	size_t row[NEAR_LEN_MAX + 1];
	size_t blen = strlen(b);

	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]) ? 0 : 1;
			size_t above = row[j];

			row[j] = min3(diagonal + same, above + 1, row[j - 1] + 1);
			diagonal = above;
		}
	}
	return row[blen];
}

bool
name_is_near(const char *name, const char *candidate, size_t *distance)
{
	size_t d = strlen(name) > NEAR_LEN_MAX ? NEAR_NONE : letters_off(name, candidate);

	/* Two letters off a key of three is another word. */
	if (d >= *distance || d >= strlen(candidate) - 1)
		return false;
	*distance = d;
	return true;
}

const char *
menu_near(const struct menu *menu, const char *name)
{
	const char *best = NULL;
	size_t distance = NEAR_NONE;

	for (size_t i = 0; i < menu->n; i++) {
		if (name_is_near(name, menu->keys[i].name, &distance))
			best = menu->keys[i].name;
	}
	return best;
}

bool
key_is_amount(const struct key *key)
{
	return key->type >= KEY_DURATION;
}

const char *
key_type_text(enum key_type type)
{
	static const char *const texts[] = {[KEY_STRING] = "a string",
	    [KEY_BOOL] = "true or false",
	    [KEY_STRINGS] = "a list of strings",
	    [KEY_WORDS] = "a string or a list of strings",
	    [KEY_TABLE] = "a table of strings",
	    [KEY_DURATION] = "a duration in quotes",
	    [KEY_SIZE] = "a size in quotes",
	    [KEY_COUNT] = "a whole number",
	    [KEY_NUMBER] = "a number"};

	return texts[type];
}
