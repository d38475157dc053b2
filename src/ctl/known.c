#include "ctl/known.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "ctl/tty.h"

enum { KNOWN_MAX_BYTES = 16 * 1024 * 1024 };

static const char global_file[] = "/etc/ssh/ssh_known_hosts";

/* What the files say about a host. */
struct verdict {
	bool trusted;
	bool revoked;
	int line;	   /* first line with another key, 0: none */
	char *file;	   /* of that line, owned */
	char *fingerprint; /* of the other key, owned */
};

static void
verdict_done(struct verdict *v)
{
	free(v->file);
	free(v->fingerprint);
}

/* "SHA256:...", owned by the caller. */
static char *
fingerprint(ssh_key key)
{
	unsigned char *hash = NULL;
	size_t len;
	char *text, *copy;

	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) != SSH_OK)
		return str_dup("(unknown)");
	text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	ssh_clean_pubkey_hash(&hash);
	copy = str_dup(text == NULL ? "(unknown)" : text);
	ssh_string_free_char(text);
	return copy;
}

/* How known_hosts names a host: host, or [host]:port when the port is not 22. */
static char *
host_name(const char *host, int port)
{
	char *name = port == 22 ? str_dup(host) : str_printf("[%s]:%d", host, port);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

static void
judge_line(const char *name, ssh_key key, const char *file, int number, const char *line, struct verdict *v)
{
	static const char revoked[] = "@revoked ";
	bool is_revoked = str_starts(line, revoked);
	struct ssh_knownhosts_entry *entry = NULL;

	line += is_revoked ? sizeof(revoked) - 1 : 0;
	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#' || *line == '@')
		return;
	if (ssh_known_hosts_parse_line(name, line, &entry) != SSH_OK)
		return;
	if (ssh_key_cmp(entry->publickey, key, SSH_KEY_CMP_PUBLIC) == 0) {
		v->revoked = v->revoked || is_revoked;
		v->trusted = v->trusted || !is_revoked;
	} else if (!is_revoked && v->line == 0) {
		v->line = number;
		v->file = str_dup(file);
		v->fingerprint = fingerprint(entry->publickey);
	}
	ssh_knownhosts_entry_free(entry);
}

static int
judge_file(const char *name, ssh_key key, const char *file, struct verdict *v, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(KNOWN_MAX_BYTES);
	auto_close int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int number = 0;
	int rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(err, "cannot open %s", file);
	rc = io_read_all(fd, &text, err);
	if (rc < 0 || text.len == 0)
		return rc < 0 ? err_wrap(err, "cannot read %s", file) : 0;
	for (char *line = text.data, *end; line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		judge_line(name, key, file, ++number, line, v);
	}
	return 0;
}

static char *
default_file(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home == NULL || home[0] != '/') {
		pw = getpwuid(getuid());
		home = pw == NULL ? NULL : pw->pw_dir;
	}
	return home == NULL ? NULL : str_printf("%s/.ssh/known_hosts", home);
}

/* Makes the file's directory if it is missing (only the last level: a mistyped path makes no tree). */
static int
make_parent(const char *file, struct err *err)
{
	auto_free char *dir = str_dup(file);
	char *slash = strrchr(dir, '/');

	if (slash == NULL || slash == dir)
		return 0;
	*slash = '\0';
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s", dir);
	return 0;
}

static int
store(const char *file, const char *name, ssh_key key, struct err *err)
{
	auto_close int fd = -1;
	auto_free char *line = NULL;
	char *b64 = NULL;
	char last = '\n';
	off_t size;
	int rc = make_parent(file, err);

	if (rc < 0)
		return rc;
	fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return err_errno(err, "cannot open %s", file);
	if (ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		return err_set(err, EIO, "cannot write the host key out");
	size = lseek(fd, 0, SEEK_END);
	if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
		last = '\n';
	line = str_printf("%s%s %s %s\n", last == '\n' ? "" : "\n", name, ssh_key_type_to_char(ssh_key_type(key)), b64);
	ssh_string_free_char(b64);
	rc = io_write_all(fd, line, strlen(line), err);
	return rc < 0 ? err_wrap(err, "cannot write %s", file) : 0;
}

static int
refuse_changed(const char *name, ssh_key key, const char *old, const char *where, struct err *err)
{
	auto_free char *new = fingerprint(key);

	return err_set(err, EKEYREJECTED,
	    "THE HOST KEY OF %s HAS CHANGED. Somebody may be listening in, or the host was set up again.\n"
	    "  known: %s\n  now:   %s\nNothing was sent. If the change is right, %s and try again.",
	    name, old, new, where);
}

/* A host key as people have it: "ssh-ed25519 AAAA...", or with the host in front, as in known_hosts and as ssh-keyscan
 * prints it, between its comments. NULL when no line is one. */
static ssh_key
pinned_key(const char *text)
{
	auto_free char *copy = str_dup(text);
	char *lines = NULL;
	ssh_key key = NULL;

	for (char *line = strtok_r(copy, "\r\n", &lines); line != NULL; line = strtok_r(NULL, "\r\n", &lines)) {
		char *words = NULL;
		const char *word = strtok_r(line, " \t", &words);

		for (int i = 0; i < 2 && word != NULL && word[0] != '#'; i++) {
			const char *b64 = strtok_r(NULL, " \t", &words);

			if (b64 != NULL &&
			    ssh_pki_import_pubkey_base64(b64, ssh_key_type_from_name(word), &key) == SSH_OK)
				return key;
			word = b64;
		}
	}
	return NULL;
}

static int
read_pinned(const char *file, struct buf *text, struct err *err)
{
	auto_close int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_errno(err, "PGOCTL_HOSTKEY: cannot open %s", file);
	return io_read_all(fd, text, err) < 0 ? err_wrap(err, "PGOCTL_HOSTKEY: cannot read %s", file) : 0;
}

static int
check_pinned(const char *name, ssh_key key, const char *pinned, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(KNOWN_MAX_BYTES);
	auto_free char *old = NULL;
	ssh_key want;
	bool same;
	int rc = 0;

	if (pinned[0] == '/') /* a variable of GitLab's type "file" */
		rc = read_pinned(pinned, &text, err);
	if (rc < 0)
		return rc;
	want = pinned_key(pinned[0] == '/' ? buf_str(&text) : pinned);
	if (want == NULL)
		return err_set(err, EINVAL, "PGOCTL_HOSTKEY is not a public key line like \"ssh-ed25519 AAAA...\"");
	same = ssh_key_cmp(want, key, SSH_KEY_CMP_PUBLIC) == 0;
	old = fingerprint(want);
	ssh_key_free(want);
	return same ? 0 : refuse_changed(name, key, old, "correct PGOCTL_HOSTKEY", err);
}

static int
ask_trust(const char *name, ssh_key key, struct err *err)
{
	auto_free char *print = fingerprint(key);
	auto_free char *prompt = str_printf("The host %s is not known yet. The fingerprint of its key is\n  %s\n"
					    "Trust it and remember it (yes/no)? ",
	    name, print);
	char answer[16] = "";
	int rc = tty_ask(prompt, true, answer, sizeof(answer));

	if (rc == -ENOTTY)
		return err_set(err, ENOKEY,
		    "the host %s is not known yet (its key is %s), and there is no terminal to ask whether to trust "
		    "it; "
		    "use --accept-new, or put its public key into PGOCTL_HOSTKEY",
		    name, print);
	if (rc < 0 || !str_eq(answer, "yes"))
		return err_set(err, EKEYREJECTED, "the host %s is not trusted", name);
	return 0;
}

static int
judge(const char *name, ssh_key key, const char *file, bool with_global, struct verdict *v, struct err *err)
{
	auto_free char *where = NULL;
	int rc = judge_file(name, key, file, v, err);

	if (rc == 0 && with_global)
		rc = judge_file(name, key, global_file, v, err);
	if (rc < 0)
		return rc;
	if (v->revoked)
		return err_set(err, EKEYREVOKED, "the key of host %s is marked as revoked in known_hosts", name);
	if (v->trusted || v->line == 0)
		return 0;
	where = str_printf("remove line %d of %s", v->line, v->file);
	return refuse_changed(name, key, v->fingerprint, where, err);
}

int
known_check(const char *host, int port, ssh_key key, const struct known_policy *policy, struct err *err)
{
	auto_free char *name = host_name(host, port);
	auto_free char *file = policy->file != NULL ? str_dup(policy->file) : default_file();
	__attribute__((cleanup(verdict_done))) struct verdict v = {0};
	int rc;

	if (policy->pinned != NULL && policy->pinned[0] != '\0')
		return check_pinned(name, key, policy->pinned, err);
	if (file == NULL)
		return err_set(err, ENOENT, "no home directory to look for .ssh/known_hosts in; use --known-hosts");
	rc = judge(name, key, file, policy->file == NULL, &v, err);
	if (rc < 0 || v.trusted)
		return rc;
	rc = policy->accept_new ? 0 : ask_trust(name, key, err);
	return rc < 0 ? rc : store(file, name, key, err);
}
