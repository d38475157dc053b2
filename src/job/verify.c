/* May this commit be followed? Its signature, by git and ssh-keygen; and that it does not leave the deployed one
 * behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/str.h"
#include "job/git.h"
#include "job/repo.h"
#include "job/rewind.h"
#include "job/signature.h"

#define SSH_KEYGEN "/usr/bin/ssh-keygen"

enum { COMMIT_MAX_BYTES = 1 << 20, SIGNERS_FD_MIN = 10 };

/* git's command-line scope: whatever the repository's own configuration says, it is not asked. What is not signed with
 * SSH is not checked: gpg would read the account's keyring. */
#define PROGRAMS                                                                                                     \
	"GIT_CONFIG_COUNT=8", "GIT_CONFIG_KEY_0=gpg.format", "GIT_CONFIG_VALUE_0=ssh",                               \
	    "GIT_CONFIG_KEY_1=gpg.ssh.program", "GIT_CONFIG_VALUE_1=/usr/bin/ssh-keygen",                            \
	    "GIT_CONFIG_KEY_2=gpg.program", "GIT_CONFIG_VALUE_2=/bin/false", "GIT_CONFIG_KEY_3=gpg.openpgp.program", \
	    "GIT_CONFIG_VALUE_3=/bin/false", "GIT_CONFIG_KEY_4=gpg.x509.program", "GIT_CONFIG_VALUE_4=/bin/false",   \
	    "GIT_CONFIG_KEY_5=gpg.minTrustLevel", "GIT_CONFIG_VALUE_5=fully",                                        \
	    "GIT_CONFIG_KEY_6=gpg.ssh.revocationFile",                                                               \
	    "GIT_CONFIG_VALUE_6=", "GIT_CONFIG_KEY_7=gpg.ssh.allowedSignersFile"

/* The commit's own words; JOB_REFUSED when it is no commit at all (a server can name a tag as its branch). */
static int
read_commit(const struct job *job, const char *oid, struct commit_words *ret, struct err *err)
{
	const char *const type_args[] = {"cat-file", "-t", oid, NULL};
	const char *const args[] = {"cat-file", "commit", oid, NULL};
	auto_buf struct buf type = BUF_INIT(64);
	auto_buf struct buf text = BUF_INIT(COMMIT_MAX_BYTES);

	if (git_do(job, &(struct git_call){.args = type_args, .out = &type}, "cannot read the commit", err) < 0)
		return -err->num;
	if (!str_eq(buf_str(&type), "commit\n")) {
		job_say("the branch \"%s\" names %.12s, which is not a commit", job->branch, oid);
		return JOB_REFUSED;
	}
	if (git_do(job, &(struct git_call){.args = args, .out = &text}, "cannot read the commit", err) < 0)
		return -err->num;
	commit_words_read(buf_str(&text), text.len, ret);
	return JOB_OK;
}

/* The signers file stands on our standard input, opened by someone who may read it. ssh-keygen needs its own standard
 * input for the commit, so the descriptor goes down under another number. */
static int
take_signers(struct err *err)
{
	struct stat st;
	int fd;

	if (access(SSH_KEYGEN, X_OK) < 0)
		return err_errno(err, "signatures cannot be checked: " SSH_KEYGEN " (package openssh-client)");
	if (fstat(STDIN_FILENO, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "no signers file stands on standard input");
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, SIGNERS_FD_MIN);
	return fd < 0 ? err_errno(err, "cannot take the signers file") : fd;
}

static int
refuse(const char *oid, const struct commit_words *commit, const char *why)
{
	job_say(
	    "commit %.12s by %s (\"%s\") %s; only commits that are signed with SSH by one of the service's signers are "
	    "followed (signers in pgo.toml): sign it (git config gpg.format ssh; git commit --amend -S) and push it "
	    "again, or ask the server's administrator to add the key",
	    oid, commit->author, commit->subject, why);
	return JOB_REFUSED;
}

static int
check_signature(const struct job *job, const char *oid, const struct commit_words *commit, struct err *err)
{
	const char *const args[] = {"verify-commit", "--raw", oid, NULL};
	auto_close int fd = take_signers(err);
	auto_free char *signers = str_printf("/proc/self/fd/%d", fd);
	auto_free char *value = str_printf("GIT_CONFIG_VALUE_7=%s", signers);
	const char *const env[] = {PROGRAMS, value, NULL};
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	auto_buf struct buf text = BUF_INIT(2 * GIT_WORDS_MAX);
	int r;

	if (fd < 0)
		return fd;
	if (commit->signature == SIGNATURE_NONE)
		return refuse(oid, commit, "is not signed");
	if (commit->signature == SIGNATURE_OTHER)
		return refuse(oid, commit, "is signed, but not with an SSH key");
	r = git_run(job, &(struct git_call){.args = args, .env = env, .keep_fd = fd, .words = &words}, err);
	if (r < 0)
		return r;
	/* A disk that is full is no verdict. */
	if (r > 1 || (r == 1 && !signature_is_judged(buf_str(&words))))
		return err_set(err, EIO, "cannot check the signature of %.12s: %s", oid, buf_str(&words));
	if (r == 1) {
		signature_explain(buf_str(&words), signers, &text);
		return refuse(oid, commit, buf_str(&text));
	}
	signature_signer(buf_str(&words), &text);
	printf("signed by %s\n", buf_str(&text));
	return JOB_OK;
}

/* Until the next good one, nothing may take it: the remote's branch may name something that is refused. */
static int
keep(const struct job *job, const char *oid, struct err *err)
{
	const char *const args[] = {"update-ref", REPO_VERIFIED, oid, NULL};

	return git_do(job, &(struct git_call){.args = args}, "cannot note the commit", err);
}

int
verb_verify(const struct job *job, char *const *operands, struct err *err)
{
	const char *oid = operands[0];
	struct commit_words commit = {0};
	int r;

	repo_clear_locks(job);
	r = read_commit(job, oid, &commit, err);
	if (r == JOB_OK && job->signed_only)
		r = check_signature(job, oid, &commit, err);
	if (r == JOB_OK && job->rewind && operands[1])
		r = rewind_check(job, operands[1], oid, err);
	return r == JOB_OK ? keep(job, oid, err) : r;
}
