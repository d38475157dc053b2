/* The menu: what each kind runs, with which environment. */
#include "../conf/cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "supervisor/bind.h"
#include "supervisor/clients.h"
#include "supervisor/compose.h"
#include "supervisor/engine.h"
#include "supervisor/job.h"

static struct conf_service service = {.name = (char[]){"web"},
    .user = (char[]){"alice"},
    .repository = (char[]){"https://h/x"},
    .auth = (char[]){"u:p"},
    .branch = (char[]){"main"},
    .compose = (char[]){"c.yml"},
    .uid = 7,
    .gid = 7};
static struct conf conf = {.services = &service, .nservices = 1};
static struct account alice = {.name = (char[]){"alice"}, .home = (char[]){"/home/alice"}, .uid = 7, .gid = 7};
static const struct facts facts = {.conf = &conf,
    .accounts = &alice,
    .dir = "/d",
    .datadir = "/data",
    .libexec = "/x",
    .compose = (char[]){"/usr/bin/dc"},
    .engine_path = (char[]){"/run/e.sock"}};

#define PREFIX "docker-compose -p web --project-directory /d/web --env-file /dev/null -f - "

/* As ARCHITECTURE.md has them; the operand of each test is "OP" (or nothing, or a commit). */
static const struct {
	const char *kind, *argv;
	enum view_kind view;
	bool lock, engine;
} expected[] = {
    {"ls-remote", "pgod-job ls-remote", VIEW_PLAIN, false, false},
    {"fetch", "pgod-job fetch OP", VIEW_PLAIN, true, false},
    {"export", "pgod-job export OP", VIEW_PLAIN, false, false},
    {"import", "pgod-job import OP", VIEW_PLAIN, true, false},
    {"verify", "pgod-job verify OP", VIEW_PLAIN, true, false},
    {"stage", "pgod-job stage OP", VIEW_PLAIN, true, false},
    {"keys", "pgod-job keys OP", VIEW_PLAIN, false, false},
    {"resolve", "pgod-job resolve", VIEW_SEALED, true, false},
    {"inputs", "pgod-job inputs OP", VIEW_PLAIN, true, false},
    {"pull", PREFIX "pull OP", VIEW_PLAIN, true, true},
    {"build", PREFIX "build OP", VIEW_STAGED, true, true},
    {"checkout", "pgod-job checkout OP", VIEW_PLAIN, true, false},
    {"probe", "pgod-job probe OP", VIEW_PLAIN, false, false},
    {"mkdirs", "pgod-job mkdirs", VIEW_PLAIN, true, false},
    {"submodules", "pgod-job submodules OP", VIEW_PLAIN, true, false},
    {"accept", "pgod-job accept", VIEW_PLAIN, true, false},
    {"routes-try", "pgod-job routes-try", VIEW_PLAIN, true, false},
    {"routes", "pgod-job routes", VIEW_PLAIN, true, false},
    {"hash", PREFIX "config --hash *", VIEW_PLAIN, false, false},
    {"push-image", PREFIX "push --quiet", VIEW_PLAIN, false, true},
    {"create", PREFIX "up --no-build --pull never --no-start --no-deps --no-recreate OP", VIEW_PLAIN, true, true},
    {"up", PREFIX "--profile * up -d --no-build --pull never --remove-orphans OP", VIEW_PLAIN, true, true},
    {"stop", "docker-compose -p web stop OP", VIEW_PLAIN, true, true},
    {"start", "docker-compose -p web start OP", VIEW_PLAIN, true, true},
    {"restart", "docker-compose -p web restart OP", VIEW_PLAIN, true, true},
    {"down", "docker-compose -p web down OP", VIEW_PLAIN, true, true},
    {"receive-pack", "pgod-job receive-pack", VIEW_PLAIN, false, false},
    {"upload-pack", "pgod-job upload-pack", VIEW_PLAIN, false, false},
    {"upload-archive", "pgod-job upload-archive", VIEW_PLAIN, false, false},
    {"reload", "docker-compose -p web exec -T OP", VIEW_PLAIN, false, true},
    {"logs", "docker-compose -p web --ansi never logs OP", VIEW_PLAIN, false, true},
    {"logs-colour", "docker-compose -p web --ansi always logs OP", VIEW_PLAIN, false, true},
    {"exec", "docker-compose -p web exec OP", VIEW_PLAIN, false, true},
    {"run", "docker-compose -p web --project-directory /d/web --env-file /dev/null -f /dev/fd/3 run --rm --no-deps OP",
	VIEW_PLAIN, false, true},
    {"run-terminal",
	"docker-compose -p web --project-directory /d/web --env-file /dev/null -f /dev/fd/3 run --rm --no-deps OP",
	VIEW_PLAIN, false, true},
    {"exec-terminal", "docker-compose -p web exec OP", VIEW_PLAIN, false, true},
};

static void
join(const struct strv *sv, struct buf *b)
{
	for (size_t i = 0; i < sv->n; i++)
		buf_printf(b, "%s%s", i == 0 ? "" : " ", sv->v[i]);
}

static void
the_menu_is_the_documented_one_and_has_nothing_else(void **state)
{
	size_t n = 0;

	(void)state;
	job_kind_table(&n);
	assert_int_equal(n, ARRAY_LEN(expected));
	for (size_t i = 0; i < n; i++) {
		const struct job_kind *k = job_kind_find(expected[i].kind);
		auto_strv struct strv operands = {0};
		auto_strv struct strv argv = {0};
		auto_buf struct buf b = BUF_INIT(4096);

		assert_non_null(k);
		if (k->operands != OPERANDS_NONE)
			strv_add(&operands, "OP");
		job_argv(k, &facts, "web", &operands, &argv);
		join(&argv, &b);
		assert_string_equal(buf_str(&b), expected[i].argv);
		assert_int_equal(k->view, expected[i].view);
		assert_int_equal((k->flags & JOB_LOCK) != 0, expected[i].lock);
		assert_int_equal((k->flags & JOB_ENGINE) != 0, expected[i].engine);
		assert_true(k->deadline_ms > 0 && k->grace_ms > 0 && k->nlimits > 0);
	}
}

static void
only_a_kind_with_a_descriptor_three_gets_one(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(job_check_stdio("0123", 4, &err), 0);
	assert_int_equal(job_check_stdio("0124", 4, &err), -EBADMSG);
	assert_int_equal(job_check_stdio("033", 3, &err), -EBADMSG);
	assert_int_equal(job_check_third(job_kind_find("receive-pack"), "0123", &err), 0);
	assert_int_equal(job_check_third(job_kind_find("receive-pack"), "012", &err), -EINVAL);
	assert_int_equal(job_check_third(job_kind_find("upload-pack"), "012", &err), 0);
	assert_int_equal(job_check_third(job_kind_find("up"), "0123", &err), -EINVAL);
}

/* A client's logs and what merely looks at the remote have nothing to do with how long a deploy's step may take. */
static void
clients_that_stay_keep_a_service_from_being_deployed(void **state)
{
	static const char *const clients[] = {"receive-pack", "upload-pack", "upload-archive", "logs", "logs-colour",
	    "exec", "exec-terminal", "run", "run-terminal"};
	size_t n = 0, least = 0;
	const struct job_kind *all = job_kind_table(&n);
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		const struct job_kind *k = job_kind_find(clients[i]);

		assert_int_equal(job_check_room(k, JOBS_MAX - JOBS_KEPT - 1, &err), 0);
		assert_int_equal(job_check_room(k, JOBS_MAX - JOBS_KEPT, &err), -EAGAIN);
	}
	for (size_t i = 0; i < n; i++) {
		least += job_check_room(&all[i], JOBS_MAX - 1, &err) == 0;
		assert_int_equal(job_check_room(&all[i], JOBS_MAX, &err), -EAGAIN);
	}
	assert_int_equal(least, n - ARRAY_LEN(clients));
}

static void
the_services_timeout_is_the_deadline_of_what_holds_its_lock(void **state)
{
	static const char *const untouched[] = {
	    "ls-remote", "keys", "receive-pack", "upload-pack", "reload", "logs", "exec", "exec-terminal"};
	struct conf_service patient = {.timeout_ms = 7000};
	struct conf_service silent = {0};
	size_t n = 0;
	const struct job_kind *kinds = job_kind_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(job_deadline_ms(&kinds[i], NULL), kinds[i].deadline_ms);
		assert_int_equal(job_deadline_ms(&kinds[i], &silent), kinds[i].deadline_ms);
		assert_int_equal(job_deadline_ms(&kinds[i], &patient),
		    (kinds[i].flags & JOB_LOCK) != 0 ? 7000 : kinds[i].deadline_ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(untouched); i++)
		assert_int_equal(job_kind_find(untouched[i])->flags & JOB_LOCK, 0);
}

static void
environment(const char *kind, const char *text)
{
	auto_strv struct strv envp = {0};
	auto_buf struct buf b = BUF_INIT(4096);

	job_envp(job_kind_find(kind), &facts, "web", &service, &alice, &envp);
	join(&envp, &b);
	assert_string_equal(buf_str(&b), text);
}

#define ACCOUNT "HOME=/home/alice USER=alice LOGNAME=alice PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8"
#define PATHS "PGO_SERVICE=web PGO_LIVE=/d/web PGO_STAGE=/d/.stage/web PGO_REPO=/d/.repos/web.git PGO_DATADIR=/data/web"

static void
each_environment_is_closed(void **state)
{
	(void)state;
	environment("keys", ACCOUNT " " PATHS);
	environment("fetch", ACCOUNT " " PATHS " PGO_URL=https://h/x PGO_BRANCH=main PGO_AUTH=dTpw");
	environment("verify", ACCOUNT " " PATHS " PGO_URL=https://h/x PGO_BRANCH=main PGO_AUTH=dTpw");
	service.signed_only = service.rewind_refused = true;
	environment("verify",
	    ACCOUNT " " PATHS " PGO_URL=https://h/x PGO_BRANCH=main PGO_AUTH=dTpw PGO_SIGNED=1 PGO_REWIND=refuse");
	environment("fetch", ACCOUNT " " PATHS " PGO_URL=https://h/x PGO_BRANCH=main PGO_AUTH=dTpw");
	service.signed_only = service.rewind_refused = false;
	environment("stage", ACCOUNT " " PATHS " PGO_COMPOSE_FILE=c.yml");
	environment("routes", ACCOUNT " " PATHS);
	service.import = (char *)"c/routes";
	environment("stage", ACCOUNT " " PATHS " PGO_COMPOSE_FILE=c.yml PGO_IMPORT=c/routes");
	environment("routes", ACCOUNT " " PATHS " PGO_IMPORT=c/routes");
	environment("mkdirs", ACCOUNT " " PATHS);
	service.import = NULL;
	environment("up", ACCOUNT " DOCKER_HOST=unix:///run/e.sock");
	environment("pull", ACCOUNT " DOCKER_HOST=unix:///run/e.sock");
}

/* pgod takes nobody's word for it that an address is a container's. */
static void
a_probe_goes_where_containers_can_be(void **state)
{
	static const struct {
		const char *operands[5];
		bool ok;
	} rows[] = {
	    {{"172.18.0.3", "80", "1000"}, true},
	    {{"fd00::3", "65535", "3600000", "/healthz"}, true},
	    {{"172.18.0.3", "80"}, false},
	    {{"172.18.0.3", "80", "1000", "/", "/"}, false},
	    {{"169.254.169.254", "80", "1000"}, false},
	    {{"0.0.0.0", "80", "1000"}, false},
	    {{"example.org", "80", "1000"}, false},
	    {{"172.18.0.3", "0", "1000"}, false},
	    {{"172.18.0.3", "65536", "1000"}, false},
	    {{"172.18.0.3", "80", "0"}, false},
	    {{"172.18.0.3", "80", "3600001"}, false},
	    {{"172.18.0.3", "80", "1000", "healthz"}, false},
	    {{"172.18.0.3", "80", "1000", "/a b"}, false},
	    {{"172.18.0.3", "80", "1000", "/a\r\nHost: b"}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv operands = {0};
		struct err err = ERR_INIT;

		for (size_t j = 0; j < 5 && rows[i].operands[j] != NULL; j++)
			strv_add(&operands, rows[i].operands[j]);
		if ((job_check_operands(job_kind_find("probe"), &operands, &err) >= 0) != rows[i].ok)
			fail_msg("row %zu", i);
	}
}

static void
env_entries_reach_resolve_and_move_none_of_its_own_variables(void **state)
{
	(void)state;
	strv_add(&service.env, "A=1");
	strv_add(&service.env, "HOME=/evil");
	strv_add(&service.env, "PGO_NEW=/evil");
	strv_add(&service.env, "HOMER=x");
	environment("resolve",
	    ACCOUNT " " PATHS " PGO_COMPOSE_FILE=c.yml PGO_COMPOSE=/usr/bin/dc PGO_ENV_A=1 PGO_ENV_HOME=/evil "
		    "PGO_ENV_PGO_NEW=/evil PGO_ENV_HOMER=x");
	environment("exec", ACCOUNT " DOCKER_HOST=unix:///run/e.sock");
	strv_done(&service.env);
}

static void
what_was_pushed_is_resolved_as_push_lets_it(void **state)
{
	struct conf_push push = {0};

	(void)state;
	service.hosted = true;
	environment("resolve", ACCOUNT " " PATHS " PGO_COMPOSE_FILE=c.yml PGO_COMPOSE=/usr/bin/dc PGO_APP=1");
	strv_add(&push.directives, "ADD_NAME");
	strv_add(&push.directives, "MOUNT_FROM_HOST");
	push.static_image = (char *)"web:1";
	conf.push = &push;
	environment("resolve", ACCOUNT " " PATHS " PGO_COMPOSE_FILE=c.yml PGO_COMPOSE=/usr/bin/dc PGO_APP=1 "
				       "PGO_DIRECTIVES=ADD_NAME MOUNT_FROM_HOST PGO_STATIC_IMAGE=web:1");
	environment("keys", ACCOUNT " " PATHS);
	service.hosted = false;
	environment("resolve", ACCOUNT " " PATHS " PGO_COMPOSE_FILE=c.yml PGO_COMPOSE=/usr/bin/dc");
	conf.push = NULL;
	strv_done(&push.directives);
}

static void
compose_versions_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(compose_major("2.26.1\n"), 2);
	assert_int_equal(compose_major("v2.3.4"), 2);
	assert_int_equal(compose_major("1.29.2"), 1);
	assert_int_equal(compose_major("10.0"), 10);
	assert_int_equal(compose_major(""), -1);
	assert_int_equal(compose_major("docker-compose 2"), -1);
	assert_int_equal(compose_major("2"), -1);
}

static void
only_a_unix_socket_is_an_engine(void **state)
{
	auto_free char *a = NULL;
	auto_free char *b = NULL;
	char *c = NULL;

	(void)state;
	assert_int_equal(engine_path(NULL, &a, NULL), 0);
	assert_string_equal(a, "/var/run/docker.sock");
	assert_int_equal(engine_path("unix:///run//x", &b, NULL), 0);
	assert_string_equal(b, "/run/x");
	assert_int_equal(engine_path("tcp://h:2375", &c, NULL), -EINVAL);
	assert_int_equal(engine_path("ssh://h", &c, NULL), -EINVAL);
	assert_int_equal(engine_path("unix://relative", &c, NULL), -EINVAL);
	assert_null(c);
}

static void
listening_addresses_are_split(void **state)
{
	char host[64];
	int port = 0;

	(void)state;
	assert_int_equal(bind_split(":2222", host, sizeof(host), &port, NULL), 0);
	assert_true(str_eq(host, "") && port == 2222);
	assert_int_equal(bind_split("[::1]:22", host, sizeof(host), &port, NULL), 0);
	assert_true(str_eq(host, "::1") && port == 22);
	assert_int_equal(bind_split("10.0.0.1:1", host, sizeof(host), &port, NULL), 0);
	assert_true(str_eq(host, "10.0.0.1") && port == 1);
	assert_true(bind_split("::1:22", host, sizeof(host), &port, NULL) < 0);
	assert_true(bind_split("22", host, sizeof(host), &port, NULL) < 0);
	assert_true(bind_split("h:", host, sizeof(host), &port, NULL) < 0);
	assert_true(bind_split("h:65536", host, sizeof(host), &port, NULL) < 0);
	assert_true(bind_split("h:ssh", host, sizeof(host), &port, NULL) < 0);
}

static void
an_address_is_checked_before_anything_listens(void **state)
{
	static const char *const good[] = {":0", "[::1]:22", "10.0.0.1:1", "localhost:80", "[fe80::1]:65535"};
	static const char *const bad[] = {"", ":", "22", "h:80", "example.org:80", "1.2.3:4", "[::g]:22", "[::1:22",
	    "127.0.0.1:80 ", ":-1", ":65536",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555:6666:7777:8888:1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(bind_check(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(bind_check(bad[i], NULL), -EINVAL);
}

static struct in6_addr
key6(const char *hex)
{
	struct sockaddr_storage ss = {.ss_family = AF_INET6};
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

	for (size_t i = 0; i < 16; i++)
		in6->sin6_addr.s6_addr[i] = (uint8_t)hex[i];
	return clients_key(&ss);
}

static void
one_ipv6_site_counts_as_one_client_and_mapped_ipv4_as_ipv4(void **state)
{
	struct in6_addr a = key6("SITE-64ALOW-BITS");
	struct in6_addr b = key6("SITE-64Aother---");
	struct in6_addr c = key6("SITE-65ALOW-BITS");
	struct sockaddr_storage v4 = {.ss_family = AF_INET};
	struct in6_addr mapped = key6("\0\0\0\0\0\0\0\0\0\0\377\377\12\0\0\1");
	struct in6_addr plain;

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(&a, &c, sizeof(a));
	memcpy(&((struct sockaddr_in *)&v4)->sin_addr, "\12\0\0\1", 4);
	plain = clients_key(&v4);
	assert_memory_equal(&mapped, &plain, sizeof(plain));
}

/* Only what runs on a terminal has one, of a size that a terminal can have, and no other descriptors. */
static void
a_job_gets_a_terminal_that_it_was_not_made_for(void **state)
{
	const struct job_kind *with = job_kind_find("exec-terminal");
	const struct job_kind *without = job_kind_find("exec");

	(void)state;
	assert_int_equal(job_check_terminal(with, 80, 24, 0, NULL), 0);
	assert_int_equal(job_check_terminal(with, 10000, 1, 0, NULL), 0);
	assert_int_equal(job_check_terminal(with, 80, 24, 3, NULL), -EINVAL);
	assert_int_equal(job_check_terminal(with, 0, 0, 0, NULL), -EINVAL);
	assert_int_equal(job_check_terminal(with, 10001, 24, 0, NULL), -EINVAL);
	assert_int_equal(job_check_terminal(with, 80, -1, 0, NULL), -EINVAL);
	assert_int_equal(job_check_terminal(without, 0, 0, 3, NULL), 0);
	assert_int_equal(job_check_terminal(without, 80, 24, 0, NULL), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clients_that_stay_keep_a_service_from_being_deployed),
	    cmocka_unit_test(the_services_timeout_is_the_deadline_of_what_holds_its_lock),
	    cmocka_unit_test(the_menu_is_the_documented_one_and_has_nothing_else),
	    cmocka_unit_test(a_job_gets_a_terminal_that_it_was_not_made_for),
	    cmocka_unit_test(only_a_kind_with_a_descriptor_three_gets_one),
	    cmocka_unit_test(each_environment_is_closed),
	    cmocka_unit_test(a_probe_goes_where_containers_can_be),
	    cmocka_unit_test(env_entries_reach_resolve_and_move_none_of_its_own_variables),
	    cmocka_unit_test(what_was_pushed_is_resolved_as_push_lets_it),
	    cmocka_unit_test(compose_versions_are_told_apart),
	    cmocka_unit_test(only_a_unix_socket_is_an_engine),
	    cmocka_unit_test(listening_addresses_are_split),
	    cmocka_unit_test(an_address_is_checked_before_anything_listens),
	    cmocka_unit_test(one_ipv6_site_counts_as_one_client_and_mapped_ipv4_as_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
