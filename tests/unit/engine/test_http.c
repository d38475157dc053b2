#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/auto.h"
#include "engine/http.h"

static int
collect_piece(void *ctx, const char *data, size_t len, struct err *err)
{
	(void)err;
	buf_add(ctx, data, len);
	return 0;
}

static int
refuse_piece(void *ctx, const char *data, size_t len, struct err *err)
{
	(void)ctx;
	(void)data;
	(void)len;
	return err_set(err, EBADMSG, "no");
}

/* Feeds the response in two parts cut at `at`. */
static int
feed_cut(struct http *h, const char *text, size_t len, size_t at, size_t *ret_used, struct err *err)
{
	size_t used = 0;
	int r = http_feed(h, text, at, &used, err);

	*ret_used = used;
	if (r != 0)
		return r;
	r = http_feed(h, text + at, len - at, &used, err);
	*ret_used = at + used;
	return r;
}

static const struct {
	const char *text;
	int status;
	const char *body;
	bool keep_alive;
} good[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true},
    {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, "hello", true},
    {"HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", 200, "", true},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=\"y\"\r\n world\r\n0\r\n\r\n", 200,
	"hello world", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0005\r\nhello\r\n0\r\nExpires: never\r\nContent-Length: "
     "9\r\n\r\n",
	200, "hello", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA \r\n0123456789\r\n0\r\n\r\n", 200, "0123456789", true},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not "
     "Found\r\nContent-Length: 3\r\n\r\nno!",
	404, "no!", true},
};

static void
a_response_reads_the_same_wherever_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		size_t len = strlen(good[i].text);

		for (size_t at = 0; at <= len; at++) {
			struct http h;
			struct err err = ERR_INIT;
			size_t used = 0;

			http_init(&h, &(struct http_spec){.body_limit = 100});
			assert_int_equal(feed_cut(&h, good[i].text, len, at, &used, &err), 1);
			assert_int_equal(used, len);
			assert_int_equal(h.status, good[i].status);
			assert_string_equal(buf_str(&h.body), good[i].body);
			assert_int_equal(h.keep_alive, good[i].keep_alive);
			assert_int_equal(err.num, 0);
			http_done(&h);
		}
	}
}

static void
a_response_is_not_complete_a_byte_too_early(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		size_t len = strlen(good[i].text);

		for (size_t at = 0; at < len; at++) {
			struct http h;
			struct err err = ERR_INIT;
			size_t used = 0;

			http_init(&h, &(struct http_spec){.body_limit = 100});
			assert_int_equal(http_feed(&h, good[i].text, at, &used, &err), 0);
			assert_int_equal(http_eof(&h, &err), -EPIPE);
			http_done(&h);
		}
	}
}

static void
what_follows_a_response_is_not_taken(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 500";
	struct http h;
	struct err err = ERR_INIT;
	size_t used = 0;

	(void)state;
	http_init(&h, &(struct http_spec){.body_limit = 100});
	assert_int_equal(http_feed(&h, text, strlen(text), &used, &err), 1);
	assert_int_equal(used, strlen(text) - strlen("HTTP/1.1 500"));
	http_done(&h);
}

static void
a_body_without_length_ends_with_the_connection(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\n\r\nto the end";
	struct http h;
	struct err err = ERR_INIT;
	size_t used = 0;

	(void)state;
	http_init(&h, &(struct http_spec){.body_limit = 100});
	assert_int_equal(http_feed(&h, text, strlen(text), &used, &err), 0);
	assert_int_equal(http_eof(&h, &err), 1);
	assert_string_equal(buf_str(&h.body), "to the end");
	assert_false(h.keep_alive);
	http_done(&h);
}

static const struct {
	const char *text;
	int error;
} bad[] = {
    {"SSH-2.0-OpenSSH\r\n", -EPROTO},
    {"HTTP/2 200 OK\r\n\r\n", -EPROTO},
    {"HTTP/1.2 200 OK\r\n\r\n", -EPROTO},
    {"HTTP/1.1 20 OK\r\n\r\n", -EPROTO},
    {"HTTP/1.1 2000 OK\r\n\r\n", -EPROTO},
    {"HTTP/1.1 -12 OK\r\n\r\n", -EPROTO},
    {"HTTP/1.1 099 OK\r\n\r\n", -EPROTO},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", -EPROTO},
    {"\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\n", -EPROTO},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", -EFBIG},
    {"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", -EFBIG},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n"
     "01234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n20\r\n"
     "01234567890123456789012345678901\r\n",
	-EFBIG},
};

static void
a_response_that_lies_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct http h;
		struct err err = ERR_INIT;
		size_t used = 0;

		http_init(&h, &(struct http_spec){.body_limit = 100});
		assert_int_equal(http_feed(&h, bad[i].text, strlen(bad[i].text), &used, &err), bad[i].error);
		assert_int_equal(err.num, -bad[i].error);
		assert_true(http_feed(&h, "x", 1, &used, &err) < 0);
		http_done(&h);
	}
}

static void
nul_bytes_in_the_head_are_refused(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nA: b\0Content-Length: 5\r\n\r\n";
	struct http h;
	struct err err = ERR_INIT;
	size_t used = 0;

	(void)state;
	http_init(&h, &(struct http_spec){.body_limit = 100});
	assert_int_equal(http_feed(&h, text, sizeof(text) - 1, &used, &err), -EPROTO);
	http_done(&h);
}

/* Feeds `line` again and again until the reader gives up; returns after how many. */
static size_t
lines_until_refused(const char *head, const char *line)
{
	struct http h;
	struct err err = ERR_INIT;
	size_t used = 0;
	size_t n = 0;

	http_init(&h, &(struct http_spec){.body_limit = 100});
	assert_int_equal(http_feed(&h, head, strlen(head), &used, &err), 0);
	while (n < 100000 && http_feed(&h, line, strlen(line), &used, &err) == 0)
		n++;
	http_done(&h);
	return n;
}

static void
a_head_without_end_is_refused(void **state)
{
	(void)state;
	assert_int_equal(lines_until_refused("HTTP/1.1 200 OK\r\n", "A: b\r\n"), HTTP_HEADERS_MAX);
	assert_true(lines_until_refused("HTTP/1.1 200 OK\r\nA: ", "bbbbbbbb") < HTTP_HEAD_MAX / 8);
	assert_true(lines_until_refused("HTTP/1.1 ", "200 ") < HTTP_HEAD_MAX);
	assert_true(lines_until_refused("", "HTTP/1.1 100 Continue\r\n\r\n") < HTTP_HEAD_MAX);
	assert_true(lines_until_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0") < 300);
	assert_true(lines_until_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n") <=
		    HTTP_HEADERS_MAX);
}

static void
a_stream_hands_its_bytes_over_and_may_be_longer_than_any_body(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct buf got = BUF_INIT(1000000);
	struct http h;
	struct err err = ERR_INIT;
	size_t used = 0;

	(void)state;
	http_init(&h, &(struct http_spec){.body_limit = 10, .piece = collect_piece, .ctx = &got});
	assert_int_equal(http_feed(&h, head, strlen(head), &used, &err), 0);
	assert_true(h.head_done);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(http_feed(&h, "3\r\nabc\r\n", 8, &used, &err), 0);
	assert_int_equal(got.len, 3000);
	assert_int_equal(h.body.len, 0);
	http_done(&h);
	buf_done(&got);
}

static void
an_error_on_a_stream_is_collected_not_streamed(void **state)
{
	static const char text[] = "HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\nwrong";
	struct http h;
	struct err err = ERR_INIT;
	size_t used = 0;

	(void)state;
	http_init(&h, &(struct http_spec){.body_limit = 1, .piece = refuse_piece});
	assert_int_equal(http_feed(&h, text, strlen(text), &used, &err), 1);
	assert_string_equal(buf_str(&h.body), "wrong");
	http_done(&h);
}

static void
a_piece_that_is_refused_ends_the_response(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong";
	struct http h;
	struct err err = ERR_INIT;
	size_t used = 0;

	(void)state;
	http_init(&h, &(struct http_spec){.body_limit = 1, .piece = refuse_piece});
	assert_int_equal(http_feed(&h, text, strlen(text), &used, &err), -EBADMSG);
	assert_string_equal(err.msg, "no");
	http_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_response_reads_the_same_wherever_it_is_cut),
	    cmocka_unit_test(a_response_is_not_complete_a_byte_too_early),
	    cmocka_unit_test(what_follows_a_response_is_not_taken),
	    cmocka_unit_test(a_body_without_length_ends_with_the_connection),
	    cmocka_unit_test(a_response_that_lies_is_refused),
	    cmocka_unit_test(nul_bytes_in_the_head_are_refused),
	    cmocka_unit_test(a_head_without_end_is_refused),
	    cmocka_unit_test(a_stream_hands_its_bytes_over_and_may_be_longer_than_any_body),
	    cmocka_unit_test(an_error_on_a_stream_is_collected_not_streamed),
	    cmocka_unit_test(a_piece_that_is_refused_ends_the_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
