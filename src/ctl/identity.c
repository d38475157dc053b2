#include "ctl/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "ctl/tty.h"

enum {
	KEY_MAX_BYTES = 64 * 1024, /* rsa of 16384 bits has 13 KiB */
	PASSPHRASE_TRIES = 3,
};

struct question {
	const char *name; /* the key's, for the prompt */
	int asked;	  /* times */
	int failed;	  /* -errno of the terminal, 0: none */
};

/* Called by libssh when the key turns out to be encrypted. */
static int
ask_passphrase(const char *prompt, char *buf, size_t len, int echo, int verify, void *arg)
{
	struct question *q = arg;
	auto_free char *text = str_printf("Passphrase for %s: ", q->name);

	(void)prompt, (void)echo, (void)verify;
	q->asked++;
	q->failed = tty_ask(text, false, buf, len);
	return q->failed;
}

/* The text with the line ends that libssh wants: a pipeline's variable may have those of another system, or lack the
 * last one. */
static void
clean_lines(const char *text, struct buf *ret)
{
	text += strspn(text, " \t\r\n");
	for (const char *p = text; *p != '\0'; p++) {
		if (*p != '\r')
			buf_add(ret, p, 1);
	}
	if (ret->len > 0 && ret->data[ret->len - 1] != '\n')
		buf_str_add(ret, "\n");
}

static int
import_clean(const char *text, const char *name, ssh_key *ret_key, struct err *err)
{
	struct question q = {.name = name};

	for (int i = 0; i < PASSPHRASE_TRIES; i++) {
		if (ssh_pki_import_privkey_base64(text, NULL, ask_passphrase, &q, ret_key) == SSH_OK)
			return 0;
		if (q.asked == 0)
			return err_set(err, EINVAL, "%s is not a private key that I can read", name);
		if (q.failed == -ENOTTY)
			return err_set(err, ENOTTY,
			    "%s is protected by a passphrase, and there is no terminal to ask for it; use ssh-agent",
			    name);
		if (q.failed < 0)
			return err_set(err, -q.failed, "no passphrase for %s", name);
	}
	return err_set(err, EACCES, "wrong passphrase for %s", name);
}

static int
import(const char *text, const char *name, ssh_key *ret_key, struct err *err)
{
	auto_buf struct buf clean = BUF_INIT(strlen(text) + 1);
	int rc;

	clean_lines(text, &clean);
	rc = import_clean(buf_str(&clean), name, ret_key, err);
	if (clean.len > 0)
		explicit_bzero(clean.data, clean.len);
	return rc;
}

static int
load_file(const char *file, ssh_key *ret_key, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(KEY_MAX_BYTES);
	auto_close int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_errno(err, "cannot open the key %s", file);
	rc = io_read_all(fd, &text, err);
	if (rc < 0)
		return err_wrap(err, "cannot read the key %s", file);
	rc = import(buf_str(&text), file, ret_key, err);
	if (text.len > 0)
		explicit_bzero(text.data, text.len);
	return rc;
}

int
identity_load(const char *file, ssh_key *ret_key, struct err *err)
{
	const char *text = getenv("PGOCTL_ID");
	const char *agent = getenv("SSH_AUTH_SOCK");

	if (file != NULL)
		return load_file(file, ret_key, err);
	if (text != NULL && text[0] == '/') /* a variable of GitLab's type "file" */
		return load_file(text, ret_key, err);
	if (text != NULL && text[0] != '\0')
		return import(text, "the key in PGOCTL_ID", ret_key, err);
	*ret_key = NULL;
	if (agent != NULL && agent[0] != '\0')
		return 0;
	return err_set(err, ENOKEY,
	    "identity not given: use -i FILE, or put the text of a private key into the environment variable "
	    "PGOCTL_ID, or start ssh-agent (SSH_AUTH_SOCK is not set)");
}
