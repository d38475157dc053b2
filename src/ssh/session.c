/* The server side of libssh, translated: what it calls back becomes fields of struct conn, handled later from the loop
 * (answering inside a callback would overtake the reply that libssh sends after it). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "ipc/opline.h"
#include "ssh/bounds.h"
#include "ssh/conn.h"

static int
on_none(ssh_session session, const char *user, void *arg)
{
	struct conn *c = arg;

	(void)session, (void)user;
	if (c->none_seen && ++c->tries >= AUTH_TRIES_MAX)
		c->over = true;
	c->none_seen = true;
	return SSH_AUTH_DENIED;
}

/* Without this callback libssh would hand a stranger's GSSAPI request to the Kerberos library before authentication. */
static ssh_string
on_gssapi(ssh_session session, const char *user, int n, ssh_string *oids, void *arg)
{
	struct conn *c = arg;

	(void)session, (void)user, (void)n, (void)oids;
	if (++c->tries >= AUTH_TRIES_MAX)
		c->over = true;
	return NULL;
}

/* The user name is foreign text: printable and short before it goes anywhere. */
static char *
shown_user(const char *user)
{
	auto_buf struct buf b = BUF_INIT(4 * USER_SHOWN_BYTES + 8);
	size_t len = strnlen(user, USER_SHOWN_BYTES + 1);

	buf_vis(&b, user, len > USER_SHOWN_BYTES ? USER_SHOWN_BYTES : len, false);
	if (len > USER_SHOWN_BYTES)
		buf_str_add(&b, "...");
	return buf_take(&b);
}

static bool
key_is_acceptable(ssh_key key, char **ret_base64)
{
	char *b64 = NULL;

	if (key == NULL || ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		return false;
	if (strlen(b64) > KEY_MAX_BYTES) {
		ssh_string_free_char(b64);
		return false;
	}
	*ret_base64 = str_dup(b64);
	ssh_string_free_char(b64);
	return true;
}

/* As ssh-keygen(1) prints it, and pgod's log; "" without memory. The caller frees. */
static char *
fingerprint_of(ssh_key key)
{
	unsigned char *hash = NULL;
	size_t len = 0;
	char *shown = NULL;
	char *copy;

	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) == SSH_OK)
		shown = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	ssh_clean_pubkey_hash(&hash);
	copy = str_dup(shown != NULL ? shown : "");
	ssh_string_free_char(shown);
	return copy;
}

/* Any key may authenticate: core judges it for each operation. A client may offer any number of keys without owning
 * them, so only the one whose signature libssh has verified is ever noted (CVE-2024-45337). */
static int
on_pubkey(ssh_session session, const char *user, struct ssh_key_struct *key, char state, void *arg)
{
	struct conn *c = arg;
	auto_free char *b64 = NULL;
	bool signed_by_it = state == SSH_PUBLICKEY_STATE_VALID;

	(void)session;
	if (c->phase != PHASE_AUTH || (state != SSH_PUBLICKEY_STATE_NONE && !signed_by_it))
		return SSH_AUTH_DENIED;
	if (!signed_by_it && ++c->tries >= AUTH_TRIES_MAX) {
		c->over = true;
		return SSH_AUTH_DENIED;
	}
	if (!key_is_acceptable(key, &b64))
		return SSH_AUTH_DENIED;
	if (!signed_by_it)
		return SSH_AUTH_SUCCESS; /* "go on and sign with it" */
	c->key = TAKE(b64);
	c->fingerprint = fingerprint_of(key);
	c->user = shown_user(user);
	conn_phase(c, PHASE_EXEC);
	return SSH_AUTH_SUCCESS;
}

static void
on_close(ssh_session session, ssh_channel channel, void *arg)
{
	struct conn *c = arg;

	(void)session, (void)channel;
	c->channel_closed = true;
}

static void
on_signal(ssh_session session, ssh_channel channel, const char *name, void *arg)
{
	(void)session, (void)channel;
	op_signal(arg, name);
}

/* As terminfo has them. It goes into an environment. */
static bool
is_terminal_type(const char *term)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+._-";

	return term[strspn(term, ok)] == '\0' && strlen(term) <= OP_TERM_MAX;
}

/* A client without a size says 0; one that lies says anything. */
static void
set_size(struct conn *c, int cols, int rows)
{
	c->cols = cols < 1 ? 80 : cols > OP_TERMINAL_MAX ? OP_TERMINAL_MAX : cols;
	c->rows = rows < 1 ? 24 : rows > OP_TERMINAL_MAX ? OP_TERMINAL_MAX : rows;
	c->resized = true;
}

static int
on_pty(ssh_session session, ssh_channel channel, const char *term, int w, int h, int pw, int ph, void *arg)
{
	struct conn *c = arg;

	(void)session, (void)channel, (void)pw, (void)ph;
	if (c->exec_seen)
		return 1;
	c->pty = true;
	if (is_terminal_type(term))
		snprintf(c->term, sizeof(c->term), "%s", term);
	set_size(c, w, h);
	return 0;
}

/* However many of them come: each only notes the size, which the loop passes on once a turn. */
static int
on_window_change(ssh_session session, ssh_channel channel, int w, int h, int pw, int ph, void *arg)
{
	struct conn *c = arg;

	(void)session, (void)channel, (void)pw, (void)ph;
	if (c->pty)
		set_size(c, w, h);
	return 0;
}

/* GIT_PROTOCOL as well: in version 2 git hands out whatever object is asked for by its hash, also what no ref shows
 * that a client may see, such as edits that were put aside. */
static int
on_env(ssh_session session, ssh_channel channel, const char *name, const char *value, void *arg)
{
	(void)session, (void)channel, (void)name, (void)value, (void)arg;
	return 0; /* accepted and ignored: ssh's SendEnv must not make noise */
}

static int
on_exec(ssh_session session, ssh_channel channel, const char *command, void *arg)
{
	struct conn *c = arg;
	size_t len = strnlen(command, OPLINE_MAX + 1);

	(void)session, (void)channel;
	if (c->phase != PHASE_EXEC || c->exec_seen)
		return 1;
	c->exec_seen = true;
	c->line = str_printf("%.*s", (int)len, command); /* one byte over the limit is enough to see that it is */
	return 0;
}

static int
on_shell(ssh_session session, ssh_channel channel, void *arg)
{
	return on_exec(session, channel, "", arg);
}

/* The whole input is left in libssh's buffer until the job's stdin takes it; the window follows what is read. A client
 * that writes past its window is not throttled by libssh, so it is thrown out here. */
static int
on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len, int is_stderr, void *arg)
{
	struct conn *c = arg;

	(void)session, (void)channel, (void)data;
	if (len > STDIN_MAX_BYTES)
		c->over = true;
	return is_stderr || c->over || c->phase >= PHASE_DRAIN ? (int)len : 0;
}

/* One session channel, after authentication; everything else (forwarding, further sessions) is refused by default. */
static ssh_channel
on_open(ssh_session session, void *arg)
{
	struct conn *c = arg;

	if (c->phase != PHASE_EXEC || c->channel != NULL)
		return NULL;
	c->channel = ssh_channel_new(session);
	if (c->channel == NULL)
		return NULL;
	c->channel_cb = (struct ssh_channel_callbacks_struct){
	    .userdata = c,
	    .channel_data_function = on_data,
	    .channel_close_function = on_close,
	    .channel_signal_function = on_signal,
	    .channel_pty_request_function = on_pty,
	    .channel_pty_window_change_function = on_window_change,
	    .channel_shell_request_function = on_shell,
	    .channel_exec_request_function = on_exec,
	    .channel_env_request_function = on_env,
	};
	ssh_callbacks_init(&c->channel_cb);
	if (ssh_set_channel_callbacks(c->channel, &c->channel_cb) != SSH_OK)
		c->over = true;
	return c->channel;
}

/* Modern algorithms only. Strict key exchange (Terrapin) is libssh's own. */
static const struct {
	enum ssh_bind_options_e option;
	const char *value;
} algorithms[] = {
    {SSH_BIND_OPTIONS_BANNER, "pgo"},
    {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "ssh-ed25519"},
    {SSH_BIND_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
				    "diffie-hellman-group16-sha512,diffie-hellman-group14-sha256"},
    {SSH_BIND_OPTIONS_CIPHERS_C_S, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
				   "aes256-ctr,aes192-ctr,aes128-ctr"},
    {SSH_BIND_OPTIONS_CIPHERS_S_C, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
				   "aes256-ctr,aes192-ctr,aes128-ctr"},
    {SSH_BIND_OPTIONS_HMAC_C_S,
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"},
    {SSH_BIND_OPTIONS_HMAC_S_C,
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"},
    {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES,
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"
	"sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"},
};

static int
bind_options(ssh_bind bind, ssh_key hostkey, struct err *err)
{
	bool no = false;
	int rsa_min = RSA_MIN_BITS;
	ssh_key copy;

	if (ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
	    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_RSA_MIN_SIZE, &rsa_min) != SSH_OK)
		return err_set(err, EINVAL, "libssh: %s", ssh_get_error(bind));
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (ssh_bind_options_set(bind, algorithms[i].option, algorithms[i].value) != SSH_OK)
			return err_set(err, EINVAL, "libssh refuses %s: %s", algorithms[i].value, ssh_get_error(bind));
	}
	copy = ssh_key_dup(hostkey);
	if (copy == NULL || ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, copy) != SSH_OK) {
		ssh_key_free(copy);
		return err_set(err, EINVAL, "libssh refuses the host key: %s", ssh_get_error(bind));
	}
	return 0;
}

static int
session_options(struct conn *c, struct err *err)
{
	/* Compression before authentication is how one packet becomes a thousand. */
	if (ssh_options_set(c->session, SSH_OPTIONS_COMPRESSION_C_S, "none") != SSH_OK ||
	    ssh_options_set(c->session, SSH_OPTIONS_COMPRESSION_S_C, "none") != SSH_OK)
		return err_set(err, EINVAL, "libssh: %s", ssh_get_error(c->session));
	c->server_cb = (struct ssh_server_callbacks_struct){
	    .userdata = c,
	    .auth_none_function = on_none,
	    .auth_pubkey_function = on_pubkey,
	    .gssapi_select_oid_function = on_gssapi,
	    .channel_open_request_session_function = on_open,
	};
	ssh_callbacks_init(&c->server_cb);
	if (ssh_set_server_callbacks(c->session, &c->server_cb) != SSH_OK)
		return err_set(err, EINVAL, "libssh: %s", ssh_get_error(c->session));
	ssh_set_auth_methods(c->session, SSH_AUTH_METHOD_PUBLICKEY);
	ssh_set_counters(c->session, &c->counter, NULL);
	ssh_set_blocking(c->session, 0);
	return 0;
}

int
session_prepare(struct conn *c, ssh_key hostkey, struct err *err)
{
	ssh_bind bind = ssh_bind_new();
	int rc;

	c->session = ssh_new();
	c->event = ssh_event_new();
	if (bind == NULL || c->session == NULL || c->event == NULL)
		abort();
	rc = bind_options(bind, hostkey, err);
	if (rc == 0 && ssh_bind_accept_fd(bind, c->session, c->sock) != SSH_OK)
		rc = err_set(err, EIO, "libssh: %s", ssh_get_error(bind));
	ssh_bind_free(bind);
	return rc < 0 ? rc : session_options(c, err);
}

int
session_start(struct conn *c, struct err *err)
{
	if (ssh_handle_key_exchange(c->session) == SSH_ERROR) {
		c->over = true; /* the client's garbage is no error of ours */
		return 0;
	}
	/* Only now has the session something that can be watched. */
	if (ssh_event_add_session(c->event, c->session) != SSH_OK)
		return err_set(err, EIO, "libssh cannot watch the session");
	return 0;
}

void
session_pump(struct conn *c)
{
	if (ssh_event_dopoll(c->event, 0) == SSH_ERROR ||
	    (ssh_get_status(c->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0)
		c->over = true;
}

uint32_t
session_room(const struct conn *c)
{
	if (c->over || c->channel == NULL || c->channel_closed ||
	    (ssh_get_poll_flags(c->session) & SSH_WRITE_PENDING) != 0)
		return 0;
	return ssh_channel_window_size(c->channel);
}

void
session_finish(struct conn *c)
{
	if (ssh_channel_request_send_exit_status(c->channel, (int)c->status) != SSH_OK ||
	    ssh_channel_send_eof(c->channel) == SSH_ERROR || ssh_channel_close(c->channel) == SSH_ERROR)
		c->over = true;
}
