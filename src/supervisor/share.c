#include "supervisor/share.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/str.h"
#include "conf/rules.h"
#include "supervisor/dirs.h"
#include "supervisor/pin.h"

enum {
	OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	MOUNT_LINE_MAX = 16 * 1024,  /* of the kernel's table */
	MOUNT_RUN_MS = 60 * 1000,    /* whoever calls us has a shorter deadline, and kills all of us */
	MOUNT_WORDS_MAX_BYTES = 512, /* of what the program says */
};

/* nosuid and nodev: what the server says of owners and devices is not to be believed. hard: a write that is not on the
 * server has not happened, however long that takes. */
static const char options[] = "rw,nosuid,nodev,hard";

/* What is mounted on target, last: "server:/path", or what else the kernel calls it. The caller frees; NULL: nothing.
 */
static char *
mounted_on(const char *target)
{
	FILE *table = setmntent("/proc/self/mounts", "re");
	char line[MOUNT_LINE_MAX];
	char *source = NULL;
	struct mntent e;

	if (table == NULL)
		return NULL;
	while (getmntent_r(table, &e, line, sizeof(line)) != NULL) {
		if (str_eq(e.mnt_dir, target))
			str_set(&source, e.mnt_fsname);
	}
	endmntent(table);
	return source;
}

bool
share_is_mounted(const char *datadir, const char *service)
{
	auto_free char *target = str_printf("%s/%s", datadir, service);
	auto_free char *source = mounted_on(target);

	return source != NULL;
}

/* --- the note of what we have mounted --- */

/* Opens it, locked: another pgod's child may still wait for the server. -ENOENT, without a word: there is none. */
static int
open_note(const struct share *s, int flags, struct err *err)
{
	auto_free char *pins = pin_dir(s->run, s->dir);
	auto_free char *path = str_printf("%s/shares%s", s->run, strrchr(pins, '/'));
	auto_close int dir = dirs_open(path, err);
	auto_close int fd = -1;

	if (dir < 0)
		return dir;
	fd = openat(dir, s->service, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_errno(err, "cannot open %s/%s", path, s->service);
	return take_fd(&fd);
}

/* Two lines: what pgo.toml asked for, and what the kernel calls it, which may spell the server as somebody did who
 * mounted the same export before. */
static int
write_note(int fd, const char *source, const char *called, struct err *err)
{
	auto_free char *text = str_printf("%s\n%s\n", source, called);

	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, "cannot note down the share");
	return io_write_all(fd, text, strlen(text), err);
}

/* Of what is mounted now: did we mount it, and for this source (NULL: for any)? */
static int
is_noted(int fd, const char *source, const char *called, struct err *err)
{
	auto_buf struct buf note = BUF_INIT(2 * MOUNT_LINE_MAX);
	auto_free char *end = str_printf("\n%s\n", called);
	int rc = io_read_all(fd, &note, err);

	if (rc < 0)
		return rc;
	return str_ends(buf_str(&note), end) &&
	       (source == NULL || (str_starts(buf_str(&note), source) && buf_str(&note)[strlen(source)] == '\n'));
}

/* --- mounting --- */

/* The last of its words: "mount.nfs: Connection refused for server:/path". */
static int
said(struct err *err, const char *url, const struct buf *words)
{
	auto_buf struct buf shown = BUF_INIT(MOUNT_WORDS_MAX_BYTES);
	size_t len = words->len;

	while (len > 0 && buf_str(words)[len - 1] == '\n')
		len--;
	buf_vis(&shown, buf_str(words), len, false);
	return err_set(err, EIO, "%s cannot be mounted: %s%s", url, shown.len > 0 ? buf_str(&shown) : "no reason given",
	    strstr(buf_str(words), "helper program") != NULL ? " (does the package nfs-common lack?)" : "");
}

static int
run_mount(const struct share *s, const char *target, const char *source, const char *port, struct err *err)
{
	auto_buf struct buf words = BUF_INIT(MOUNT_WORDS_MAX_BYTES);
	auto_free char *with = str_printf("%s%s%s", options, port != NULL ? ",port=" : "", port != NULL ? port : "");
	const char *const argv[] = {"mount", "-t", "nfs", "-o", with, "--", source, target, NULL};
	const char *const envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL};
	struct proc_spec spec = {
	    .path = s->program, .argv = (char *const *)argv, .envp = (char *const *)envp, .stdio = {-1, -1, -1}};
	int rc = proc_run(&spec, NULL, 0, NULL, &words, MOUNT_RUN_MS, err);

	if (rc < 0)
		return err_wrap(err, "%s", s->url);
	return rc == 0 ? 0 : said(err, s->url, &words);
}

static int
mount_anew(const struct share *s, int note, const char *target, const char *source, const char *port, struct err *err)
{
	auto_free char *there = NULL;
	int rc = write_note(note, source, source, err);

	if (rc >= 0)
		rc = run_mount(s, target, source, port, err);
	if (rc < 0)
		return rc;
	there = mounted_on(target);
	if (there == NULL)
		return err_set(err, ENOENT, "%s is not mounted on %s, although mount says so", s->url, target);
	return str_eq(there, source) ? 0 : write_note(note, source, there, err);
}

int
share_mount(const struct share *s, struct err *err)
{
	auto_free char *target = str_printf("%s/%s", s->datadir, s->service);
	auto_free char *source = NULL;
	auto_free char *there = NULL;
	auto_close int note = open_note(s, O_CREAT, err);
	auto_share_url struct share_url url = {0};
	int rc = note < 0 ? note : rule_split_share(s->url, &url, err);

	if (rc < 0)
		return rc;
	source = str_printf("%s:%s", url.host, url.path);
	there = mounted_on(target);
	if (there == NULL)
		return mount_anew(s, note, target, source, url.port, err);
	rc = str_eq(there, source) ? 1 : is_noted(note, source, there, err);
	return rc != 0 ? rc
		       : err_set(err, EBUSY, "%s is mounted on %s where pgo.toml wants %s: umount it, then `up`", there,
			     target, s->url);
}

int
share_unmount(const struct share *s, struct err *err)
{
	auto_free char *target = str_printf("%s/%s", s->datadir, s->service);
	auto_free char *there = mounted_on(target);
	auto_close int note = open_note(s, 0, err);
	int rc = note < 0 ? note : is_noted(note, NULL, there != NULL ? there : "", err);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	/* Detached: a server that does not answer holds nothing up. The containers are gone, what they wrote is on its
	 * way. */
	if (there != NULL && rc > 0 && umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return err_errno(err, "cannot unmount %s", target);
	return ftruncate(note, 0) < 0 ? err_errno(err, "cannot forget the share") : 0;
}
