#include "ssh/hostkey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "ssh/bounds.h"

/* Both halves as pgod stores them (supervisor/keyfile.h). */
static int
print_pair(ssh_key key, struct err *err)
{
	char *private = NULL;
	char *public = NULL;
	int rc = 0;

	if (ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &private) != SSH_OK ||
	    ssh_pki_export_pubkey_base64(key, &public) != SSH_OK)
		rc = err_set(err, EIO, "cannot write the key out");
	if (rc == 0)
		rc = io_write_all(STDOUT_FILENO, private, strlen(private), err);
	if (rc == 0 && dprintf(STDOUT_FILENO, "%s %s\n", ssh_key_type_to_char(ssh_key_type(key)), public) < 0)
		rc = err_errno(err, "cannot write the key out");
	if (private != NULL)
		explicit_bzero(private, strlen(private));
	ssh_string_free_char(private);
	ssh_string_free_char(public);
	return rc;
}

int
hostkey_make(struct err *err)
{
	ssh_key key = NULL;
	int rc;

	if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK)
		return err_set(err, EIO, "cannot make a key");
	rc = print_pair(key, err);
	ssh_key_free(key);
	return rc;
}

int
hostkey_read(int fd, ssh_key *ret_key, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(HOSTKEY_MAX_BYTES);
	ssh_key key = NULL;
	int rc;

	rc = io_memfd_read(fd, &text, err);
	if (rc < 0)
		return err_wrap(err, "host key");
	rc = ssh_pki_import_privkey_base64(buf_str(&text), NULL, NULL, NULL, &key);
	if (text.len > 0)
		explicit_bzero(text.data, text.len);
	if (rc != SSH_OK)
		return err_set(err, EINVAL, "host key: not a private key without passphrase in OpenSSH's format");
	if (ssh_key_type(key) != SSH_KEYTYPE_ED25519) {
		ssh_key_free(key);
		return err_set(err, EINVAL, "host key: not an ed25519 key");
	}
	*ret_key = key;
	return 0;
}
