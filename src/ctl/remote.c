#include "ctl/remote.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ctl/net.h"

int
remote_error(ssh_session session, int num, const char *what, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(512);
	const char *why = ssh_get_error(session);

	buf_vis(&text, why, strlen(why), false);
	return err_set(err, num, "%s: %s", what, text.len > 0 ? buf_str(&text) : "the connection was closed");
}

/* The fastest of the modern ones first; the server decides nothing here. */
static const struct {
	enum ssh_options_e option;
	const char *value;
} algorithms[] = {
    {SSH_OPTIONS_HOSTKEYS, "ssh-ed25519"},
    {SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
			       "diffie-hellman-group16-sha512,diffie-hellman-group14-sha256"},
    {SSH_OPTIONS_CIPHERS_C_S, "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr"},
    {SSH_OPTIONS_CIPHERS_S_C, "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr"},
    {SSH_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256"},
    {SSH_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256"},
    {SSH_OPTIONS_COMPRESSION_C_S, "none"},
    {SSH_OPTIONS_COMPRESSION_S_C, "none"},
};

static int
set_options(ssh_session session, int fd, const char *host, int port, const char *user)
{
	bool no = false;
	long timeout_s = CONNECT_MS / 1000;
	unsigned number = (unsigned)port;

	/* ~/.ssh/config is OpenSSH's; and libssh would read its known_hosts only to order algorithms: there is one. */
	if (ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
	    ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") != SSH_OK ||
	    ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") != SSH_OK ||
	    ssh_options_set(session, SSH_OPTIONS_SSH_DIR, "/nonexistent") != SSH_OK ||
	    ssh_options_set(session, SSH_OPTIONS_HOST, host) != SSH_OK ||
	    ssh_options_set(session, SSH_OPTIONS_PORT, &number) != SSH_OK ||
	    ssh_options_set(session, SSH_OPTIONS_USER, user) != SSH_OK ||
	    ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &timeout_s) != SSH_OK)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (ssh_options_set(session, algorithms[i].option, algorithms[i].value) != SSH_OK)
			return -1;
	}
	return ssh_options_set(session, SSH_OPTIONS_FD, &fd) == SSH_OK ? 0 : -1;
}

int
remote_handshake(int take_fd, const char *host, int port, const char *user, ssh_session *ret_session, struct err *err)
{
	auto_close int fd = take_fd;
	ssh_session session = ssh_new();
	int rc;

	if (session == NULL)
		return err_set(err, ENOMEM, "no memory");
	rc = set_options(session, fd, host, port, user);
	if (rc < 0)
		rc = remote_error(session, EINVAL, "cannot set the session up", err);
	if (rc == 0) {
		fd = -1; /* libssh closes it from here on. NOLINT(clang-analyzer-deadcode.DeadStores): the cleanup reads
			    it */
		if (ssh_connect(session) != SSH_OK)
			rc = remote_error(session, EPROTO, "no SSH session", err);
	}
	if (rc < 0) {
		ssh_free(session);
		return err_wrap(err, "%s port %d", host, port);
	}
	*ret_session = session;
	return 0;
}

int
remote_hostkey(ssh_session session, ssh_key *ret_key, struct err *err)
{
	if (ssh_get_server_publickey(session, ret_key) != SSH_OK)
		return remote_error(session, EPROTO, "no host key", err);
	return 0;
}

int
remote_authenticate(ssh_session session, ssh_key key, struct err *err)
{
	/* Straight to the signature: asking first whether the key would do costs a round trip. */
	int rc = key == NULL ? ssh_userauth_agent(session, NULL) : ssh_userauth_publickey(session, NULL, key);

	switch (rc) {
	case SSH_AUTH_SUCCESS:
		return 0;
	case SSH_AUTH_ERROR:
		return remote_error(session, EPROTO, "cannot authenticate", err);
	default:
		return err_set(err, EACCES,
		    key == NULL ? "ssh-agent has no key that the server accepts"
				: "the server does not accept this kind of key");
	}
}
