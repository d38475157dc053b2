#include "supervisor/proxy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/str.h"
#include "supervisor/durable.h"
#include "supervisor/proxy_text.h"
#include "supervisor/trusted.h"

#define BEFORE "before"
/* How what is written down begins: the file was there, or it was not. */
#define PRESENT "present\n"
#define ABSENT "absent\n"

enum { COMMAND_TAIL = 700, MODE_FILE = 0644, MODE_STATE = 0600 };

/* The file of one proxy. */
struct place {
	const struct conf_proxy *proxy;
	const char *name; /* in dirfd */
	int dirfd;
	int statefd;
};

static void
place_done(struct place *at)
{
	auto_close_(&at->dirfd);
	auto_close_(&at->statefd);
}
#define auto_place __attribute__((cleanup(place_done)))

static int
place_open(struct place *at, const struct conf_proxy *p, const char *state, struct err *err)
{
	*at = (struct place){p, strrchr(p->file, '/') + 1, -1, -1};
	at->dirfd = trusted_open_parent("proxy", p->file, err);
	if (at->dirfd < 0)
		return at->dirfd;
	at->statefd = open(state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return at->statefd < 0 ? err_errno(err, "cannot open %s", state) : 0;
}

/* Durable, and never half there. */
static int
write_whole(int dirfd, const char *name, mode_t mode, const char *head, const struct buf *text, struct err *err)
{
	auto_buf struct buf all = BUF_INIT(strlen(head) + text->len);
	int rc;

	buf_str_add(&all, head);
	buf_add(&all, buf_str(text), text->len);
	rc = durable_write(dirfd, name, mode, buf_str(&all), all.len, err);
	if (rc >= 0 && fsync(dirfd) < 0)
		rc = err_errno(err, "cannot write %s", name);
	return rc;
}

static int
remove_name(int dirfd, const char *name, struct err *err)
{
	if ((unlinkat(dirfd, name, 0) < 0 && errno != ENOENT) || fsync(dirfd) < 0)
		return err_errno(err, "cannot remove %s", name);
	return 0;
}

/* 1: read; 0: there is none. */
static int
read_whole(int dirfd, const char *name, struct buf *b, struct err *err)
{
	int rc = io_read_file(dirfd, name, b, err);

	if (rc < 0 && err->num == ENOENT) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	return rc < 0 ? rc : 1;
}

/* --- the administrator's commands --- */

static char *
find_program(const char *name, struct err *err)
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

	if (name[0] == '/')
		return str_dup(name);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		auto_free char *path = str_printf("%s/%s", dirs[i], name);

		if (access(path, X_OK) == 0)
			return TAKE(path);
	}
	err_set(err, ENOENT, "%s is in none of /usr/sbin, /usr/bin, /sbin and /bin", name);
	return NULL;
}

/* As root: they are the administrator's own, out of pgo.toml. What they say is for people, and is not read. */
static int
run(const struct strv *command, const char *what, struct err *err)
{
	auto_free char *path = find_program(command->v[0], err);
	auto_buf struct buf tail = BUF_INIT(COMMAND_TAIL);
	auto_buf struct buf shown = BUF_INIT(COMMAND_TAIL * 4);
	auto_free char *line = NULL;
	char *const envp[] = {(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, (char[]){"HOME=/root"},
	    (char[]){"USER=root"}, (char[]){"LOGNAME=root"}, (char[]){"LANG=C.UTF-8"}, NULL};
	struct proc_spec spec = {.path = path,
	    .argv = command->v,
	    .envp = envp,
	    .stdio = {-1, -1, -1},
	    .new_session = true,
	    .death_signal = SIGKILL};
	int status;

	if (path == NULL)
		return err_wrap(err, "the %s", what);
	status = proc_run(&spec, NULL, 0, NULL, &tail, PROXY_COMMAND_MS, err);
	if (status < 0)
		return err_wrap(err, "the %s", what);
	if (status == 0)
		return 0;
	line = str_one_line(buf_str(&tail));
	buf_vis(&shown, line, strlen(line), false);
	return err_set(err, EINVAL, "the %s (%s) ended with %d: %s", what, command->v[0], status, buf_str(&shown));
}

/* --- before and after --- */

/* 1: something is undecided; its text is in b, and *ret_present tells whether there was a file at all. */
static int
read_before(const struct place *at, struct buf *b, bool *ret_present, struct err *err)
{
	int rc = read_whole(at->statefd, BEFORE, b, err);

	if (rc <= 0)
		return rc;
	*ret_present = str_starts(buf_str(b), PRESENT);
	buf_drop(b, strlen(*ret_present ? PRESENT : ABSENT));
	return 1;
}

static int
put_back(const struct place *at, const struct buf *before, bool present, struct err *err)
{
	return present ? write_whole(at->dirfd, at->name, MODE_FILE, "", before, err)
		       : remove_name(at->dirfd, at->name, err);
}

/* The test or the reload has failed: the file is as before. Only when the proxy has surely not read the new one, that
 * is all; else it is told to read the old one, now or by the next run. */
static int
take_back(const struct place *at, bool proxy_untouched, struct err *err)
{
	auto_buf struct buf before = BUF_INIT(PROXY_TEXT_MAX);
	struct err why = ERR_INIT;
	bool present = false;

	if (read_before(at, &before, &present, &why) < 0 || put_back(at, &before, present, &why) < 0)
		return err_wrap(err, "%s, and the file of before cannot be put back: %s", at->proxy->file, why.msg);
	if (proxy_untouched || run(&at->proxy->reload, "reload", &why) >= 0)
		remove_name(at->statefd, BEFORE, &why);
	return err_wrap(err, "%s is as it was before", at->proxy->file);
}

static int
try_text(const struct place *at, bool undecided, const struct buf *text, struct proxy_old *ret_old, struct err *err)
{
	if (write_whole(at->dirfd, at->name, MODE_FILE, "", text, err) < 0)
		return take_back(at, !undecided, err);
	if (run(&at->proxy->test, "test", err) < 0)
		return take_back(at, !undecided, err);
	if (at->proxy->type == PROXY_NGINX)
		proxy_old_find(buf_str(text), ret_old);
	if (run(&at->proxy->reload, "reload", err) < 0)
		return take_back(at, false, err);
	return remove_name(at->statefd, BEFORE, err);
}

static bool
equal(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(buf_str(a), buf_str(b), a->len) == 0;
}

/* Whose file is it? A slip in pgo.toml must not cost the administrator a file. */
static int
check_ours(const struct place *at, const struct buf *now, struct err *err)
{
	if (str_starts(buf_str(now), PROXY_MARK) || now->len == 0)
		return 0;
	return err_set(err, EEXIST,
	    "proxy: %s is there already and was not written by pgod: move it away, or name another file",
	    at->proxy->file);
}

static int
written_ms(const struct place *at, long long *ret_ms, struct err *err)
{
	struct stat st;

	if (fstatat(at->dirfd, at->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "proxy: cannot look at %s", at->proxy->file);
	*ret_ms = (long long)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return 0;
}

static int
recover(const struct place *at, bool *ret_undecided, struct err *err)
{
	auto_buf struct buf before = BUF_INIT(PROXY_TEXT_MAX);
	bool present = false;
	int rc = read_before(at, &before, &present, err);

	*ret_undecided = rc > 0;
	return rc <= 0 ? rc : put_back(at, &before, present, err);
}

int
proxy_file_recover(const struct conf_proxy *p, const char *state, struct err *err)
{
	auto_place struct place at = {.dirfd = -1, .statefd = -1};
	bool undecided = false;
	int rc = place_open(&at, p, state, err);

	return rc < 0 ? rc : recover(&at, &undecided, err);
}

int
proxy_file_apply(const struct conf_proxy *p, const char *state, const struct buf *text, long long *ret_ms,
    struct proxy_old *ret_old, struct err *err)
{
	auto_place struct place at = {.dirfd = -1, .statefd = -1};
	auto_buf struct buf now = BUF_INIT(PROXY_TEXT_MAX);
	bool undecided = false;
	int there = 0, rc;

	if ((rc = place_open(&at, p, state, err)) < 0 || (rc = recover(&at, &undecided, err)) < 0 ||
	    (rc = there = read_whole(at.dirfd, at.name, &now, err)) < 0 || (rc = check_ours(&at, &now, err)) < 0)
		return rc;
	if (undecided || there == 0 || !equal(&now, text)) {
		if (!undecided)
			rc = write_whole(at.statefd, BEFORE, MODE_STATE, there > 0 ? PRESENT : ABSENT, &now, err);
		if (rc < 0 || (rc = try_text(&at, undecided, text, ret_old, err)) < 0)
			return rc;
	}
	return written_ms(&at, ret_ms, err);
}
