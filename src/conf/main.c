/* pgod-conf: pgo.toml on stdin, the checked document on stdout. 0: nothing is wrong; 1: the document lists what is; 2:
 * could not do it. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/toml.h"

enum { STATUS_GOOD = 0, STATUS_BAD = 1, STATUS_FAILED = 2, NOBODY = 65534 };

static const struct sandbox sandbox = {
    .role = "pgod-conf",
    .dir = NULL,
    .nofile = 8,
    .as_bytes = 1024UL * 1024 * 1024,
    .may_fork = false,
};

/* pgod starts us as nobody. Started by root's own hand, we become nobody: root parses nothing. */
static int
drop_root(struct err *err)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return err_errno(err, "cannot become nobody");
	return 0;
}

static json_t *
check_stdin(struct err *err)
{
	auto_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);
	int r = io_read_all(STDIN_FILENO, &text, err);

	if (r == -EFBIG)
		return check_too_large();
	return r < 0 ? NULL : check_text(buf_str(&text), text.len);
}

static int
print(const json_t *doc, struct err *err)
{
	auto_free char *json = json_dumps(doc, JSON_COMPACT);

	if (json == NULL)
		return err_set(err, ENOMEM, "cannot write the document");
	if (io_write_all(STDOUT_FILENO, json, strlen(json), err) < 0)
		return -err->num;
	return io_write_all(STDOUT_FILENO, "\n", 1, err);
}

static int
run(void)
{
	struct err err = ERR_INIT;
	json_t *doc = check_stdin(&err);
	int status = STATUS_FAILED;

	if (doc != NULL && print(doc, &err) >= 0)
		status = json_array_size(json_object_get(doc, "errors")) == 0 ? STATUS_GOOD : STATUS_BAD;
	else
		log_err("cannot check the configuration: %s", err.msg);
	json_decref(doc);
	return status;
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	bool test = argc == 2 && str_eq(argv[1], "--sandbox-test");

	log_init("pgod-conf", false);
	json_object_seed(0); /* reads /dev/urandom, which is out of reach later */
	if (argc != 1 && !test) {
		log_err("usage: pgod-conf <pgo.toml");
		return STATUS_FAILED;
	}
	if (drop_root(&err) < 0 || sandbox_enter(&sandbox, NULL, &err) < 0 ||
	    (test && sandbox_self_test(&sandbox, &err) < 0)) {
		log_err("%s", err.msg);
		return STATUS_FAILED;
	}
	return test ? STATUS_GOOD : run();
}
