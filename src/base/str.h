/* Small helpers on strings that several processes need. */
#ifndef PGO_BASE_STR_H
#define PGO_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_eq(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* A text that has to stand in one line: its lines, without blank ones and ends, with "; " between them. The caller
 * frees. */
char *str_one_line(const char *s);
/* strdup and asprintf that abort without memory; the caller frees. */
char *str_dup(const char *s);
/* Puts a copy of value in the place of the owned string *text; value may be *text itself. */
void str_set(char **text, const char *value);
/* free for a secret, which does not linger in freed memory; NULL is fine. */
void str_wipe(char *take_s);
char *str_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A whole decimal number within [min, max]; false on anything else, *ret_n untouched. */
bool str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret_n);
/* Go's durations, as the reference's -t takes them: "5m0s", "90s", "1h30m", "250ms". Milliseconds. False when
 * malformed, negative or over ten years. */
bool str_to_duration_ms(const char *s, int64_t *ret_ms);
/* 40 or 64 lower-case hex digits: a git object name. */
bool str_is_oid(const char *s);
/* ^[a-z0-9][a-z0-9_-]{0,62}$: what compose accepts as project name. */
bool str_is_service_name(const char *s);
/* Standard base64 with padding (RFC 4648 §4). Encoding: the caller frees. Decoding: strict, NULL when malformed. */
char *str_base64(const void *data, size_t len);
void *str_unbase64(const char *s, size_t *ret_len);
/* Lower-case hex of bytes; out has 2 * len + 1 bytes. */
void str_hex(const void *data, size_t len, char *out);

/* An owned, NULL-terminated array of strings with a hard limit on their number. */
struct strv {
	char **v; /* NULL-terminated once anything was added */
	size_t n;
};
#define auto_strv __attribute__((cleanup(strv_done)))
enum { STRV_MAX = 4096 };
/* Appends a copy. False beyond STRV_MAX. */
bool strv_add(struct strv *sv, const char *s);
bool strv_add_take(struct strv *sv, char *take_s);
bool strv_has(const struct strv *sv, const char *s);
void strv_done(struct strv *sv);
/* The words as one base64 string of NUL-terminated words, so that any byte passes through JSON; the caller frees.
 * Unpacking is strict; false when malformed or over STRV_MAX. */
char *strv_pack(const struct strv *sv);
bool strv_unpack(const char *s, struct strv *ret_sv);

#endif
