/* What is written for nginx and Caddy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "supervisor/proxy_text.h"

static bool
has_certificate(void *ctx, const char *host)
{
	(void)ctx;
	return !str_starts(host, "new.");
}

/* urls: "site service:port addresses...", ended by NULL. */
static char *
text_of(struct conf_proxy *p, const char *const *urls)
{
	struct conf_service s = {.name = (char[]){"shop"}};
	struct conf c = {.services = &s, .nservices = 1};
	struct strv to[16] = {{NULL, 0}};
	struct upstreams u = {.v = to};
	struct routes routes = {0};
	struct buf b = BUF_INIT(PROXY_TEXT_MAX);
	struct proxy_input in = {p, &routes, &u, true, has_certificate, NULL};

	for (; urls[u.n] != NULL; u.n++) {
		auto_free char *copy = str_dup(urls[u.n]);
		char *rest = NULL;
		const char *site = strtok_r(copy, " ", &rest);
		const char *leads = strtok_r(NULL, " ", &rest);

		strv_add_take(&s.urls, str_printf("%s %s", site, leads));
		for (const char *ip; (ip = strtok_r(NULL, " ", &rest)) != NULL;)
			strv_add(&to[u.n], ip);
	}
	routes_of(&c, &routes);
	proxy_text(&in, &b);
	routes_done(&routes);
	strv_done(&s.urls);
	for (size_t i = 0; i < u.n; i++)
		strv_done(&to[i]);
	return buf_take(&b);
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

static void
expect(const char *text, const char *part, size_t n)
{
	if (count(text, part) != n)
		fail_msg("%zu times and not %zu:\n%s\nin\n%s", count(text, part), n, part, text);
}

static void
without_sites_there_is_a_404_and_nothing_else(void **state)
{
	char *all[] = {(char[]){"0.0.0.0"}, (char[]){"::"}, NULL};
	struct conf_proxy nginx = {.type = PROXY_NGINX, .listen = {all, 2}};
	struct conf_proxy caddy = {.type = PROXY_CADDY};
	auto_free char *n = text_of(&nginx, (const char *const[]){NULL});
	auto_free char *c = text_of(&caddy, (const char *const[]){NULL});

	(void)state;
	expect(n,
	    "server {\n\tlisten 0.0.0.0:80 default_server;\n\tlisten [::]:80 default_server;\n\tserver_tokens off;\n\treturn 404;\n}\n",
	    1);
	expect(n, "server {", 1);
	assert_string_equal(c,
	    "# Written by pgod(8) from the urls of pgo.toml. Changes of yours are lost.\nhttp:// {\n\trespond 404\n}\n");
}

static void
nginx_without_certificates(void **state)
{
	char *all[] = {(char[]){"127.0.0.1"}, NULL};
	struct conf_proxy p = {.type = PROXY_NGINX, .listen = {all, 1}};
	auto_free char *t = text_of(
	    &p, (const char *const[]){"Example.org web:8080 10.0.0.2 fd00::3", "example.org/api/* api:81 10.0.0.4",
		    "example.org/one api:81", "*.example.org web:8080 10.0.0.2", "b.org:8080 web:8080 10.0.0.2",
		    "a-name-that-is-longer-than-fits-into-a-bucket.example.org web:1 10.0.0.9", NULL});

	(void)state;
	expect(t, "upstream pgo_shop_0 {\n\tserver 10.0.0.2:8080;\n\tserver [fd00::3]:8080;\n}\n", 1);
	expect(t, "\tserver_name example.org;\n", 1);
	expect(t,
	    "\tlocation ^~ /api/ {\n\t\tproxy_pass http://pgo_shop_1;\n\t}\n\tlocation = /one {\n\t\treturn 503;\n\t}\n\tlocation / {\n\t\tproxy_pass http://pgo_shop_0;\n\t}\n}\n",
	    1);
	expect(t, "upstream pgo_shop_2", 0);
	expect(t, "\tserver_name \"~^[^.]+\\.example\\.org$\";\n", 1);
	expect(t, "\tserver_name \"~^a-name-that-is-longer-than-fits-into-a-bucket\\.example\\.org$\";\n", 1);
	expect(t, "\tlisten 127.0.0.1:8080 default_server;\n", 1);
	expect(t, "\tproxy_set_header Host $host:8080;\n", 1);
	expect(t, "\tproxy_set_header Host $host;\n", 3);
	expect(t, "ssl", 0);
}

static void
nginx_with_certificates(void **state)
{
	char *all[] = {(char[]){"127.0.0.1"}, NULL};
	struct conf_proxy p = {.type = PROXY_NGINX,
	    .listen = {all, 1},
	    .certificate = (char[]){"/t/{host}/c"},
	    .certificate_key = (char[]){"/t/{host}/k"},
	    .challenges = (char[]){"/acme"}};
	auto_free char *t =
	    text_of(&p, (const char *const[]){"a.org web:1 10.0.0.2", "http://b.org web:1 10.0.0.2",
			    "b.org web:2 10.0.0.2", "new.org web:1 10.0.0.2", "*.c.org web:1 10.0.0.2", NULL});

	(void)state;
	expect(t, "\tlisten 127.0.0.1:443 ssl http2 default_server;\n\tssl_reject_handshake on;\n", 1);
	expect(t, "\tserver_name a.org;\n\tssl_certificate /t/a.org/c;\n\tssl_certificate_key /t/a.org/k;\n", 1);
	expect(t, "\tssl_certificate /t/c.org/c;\n", 1);
	/* b.org has a site of its own on port 80: nothing leads away from it. */
	expect(t, "return 308 https://$host$request_uri;", 2);
	expect(t, "\tserver_name b.org;\n", 2);
	expect(t, "/t/new.org", 0);
	expect(t, "\tserver_name new.org;\n", 1);
	expect(t, "\tlocation ^~ /.well-known/acme-challenge/ {\n\t\troot /acme;\n", 4);
}

static void
caddy_gets_site_blocks(void **state)
{
	struct conf_proxy p = {.type = PROXY_CADDY};
	auto_free char *t = text_of(&p, (const char *const[]){"a.org web:8080 10.0.0.2 fd00::3",
					    "http://a.org:8081 web:1", "a.org:8443/x/* web:2 10.0.0.2", NULL});

	(void)state;
	expect(t,
	    "http:// {\n\trespond 404\n}\nhttps:// {\n\trespond 404\n}\nhttp://:8081 {\n\trespond 404\n}\nhttps://:8443 {\n\trespond 404\n}\n",
	    1);
	expect(t, "https://a.org {\n\thandle {\n\t\treverse_proxy 10.0.0.2:8080 [fd00::3]:8080 {\n", 1);
	expect(t, "http://a.org:8081 {\n\thandle {\n\t\trespond 503\n\t}\n}\n", 1);
	expect(t, "https://a.org:8443 {\n\thandle /x/* {\n\t\treverse_proxy 10.0.0.2:2 {\n", 1);
	expect(t, "\thandle {\n\t\trespond 404\n\t}\n}\n", 1);
}

/* The check of pgo.toml refuses these; were they to come through, they would still be nobody's catch-all. */
static void
a_site_without_a_host_is_left_out(void **state)
{
	char *all[] = {(char[]){"127.0.0.1"}, NULL};
	struct conf_proxy nginx = {.type = PROXY_NGINX, .listen = {all, 1}};
	struct conf_proxy caddy = {.type = PROXY_CADDY};
	const char *const urls[] = {":8080 web:1 10.0.0.2", NULL};
	auto_free char *n = text_of(&nginx, urls);
	auto_free char *c = text_of(&caddy, urls);

	(void)state;
	expect(n, "10.0.0.2", 0);
	expect(c, "10.0.0.2", 0);
}

/* Core's word alone: they stand beside the sites of pgo.toml, at the port that the administrator chose for apps. */
static void
apps_have_sites_as_well(void **state)
{
	char *all[] = {(char[]){"127.0.0.1"}, NULL};
	struct conf_proxy nginx = {.type = PROXY_NGINX, .listen = {all, 1}}, caddy = {.type = PROXY_CADDY};
	auto_upstreams struct upstreams u = {0};
	struct routes none = {0};
	auto_buf struct buf n = BUF_INIT(PROXY_TEXT_MAX), c = BUF_INIT(PROXY_TEXT_MAX), tls = BUF_INIT(PROXY_TEXT_MAX);

	(void)state;
	strv_add(&upstreams_add_app(&u, "app.1.2.3.4.sslip.io", 5000)->to, "10.0.0.2");
	upstreams_add_app(&u, "www.a.com", 80);
	proxy_text(&(struct proxy_input){&nginx, &none, &u, true, has_certificate, NULL}, &n);
	proxy_text(&(struct proxy_input){&caddy, &none, &u, true, has_certificate, NULL}, &c);
	proxy_text(&(struct proxy_input){&caddy, &none, &u, false, has_certificate, NULL}, &tls);
	expect(buf_str(&n), "upstream pgo_app_0 {\n\tserver 10.0.0.2:5000;\n}\n", 1);
	expect(buf_str(&n), "\tserver_name app.1.2.3.4.sslip.io;\n", 1);
	expect(buf_str(&n), "\t\treturn 503;\n", 1);
	expect(buf_str(&c), "http://app.1.2.3.4.sslip.io {\n\thandle {\n\t\treverse_proxy 10.0.0.2:5000 {\n", 1);
	expect(buf_str(&c), "http://www.a.com {\n\thandle {\n\t\trespond 503\n", 1);
	expect(buf_str(&c), "https://", 0);
	expect(buf_str(&tls), "https://www.a.com {\n", 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_sites_there_is_a_404_and_nothing_else),
	    cmocka_unit_test(nginx_without_certificates),
	    cmocka_unit_test(nginx_with_certificates),
	    cmocka_unit_test(caddy_gets_site_blocks),
	    cmocka_unit_test(apps_have_sites_as_well),
	    cmocka_unit_test(a_site_without_a_host_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
