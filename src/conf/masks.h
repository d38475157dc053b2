/* The masks of a service's secrets (conf/mask.h): in pgod-conf, which alone sees these and has the library for digests.
 */
#ifndef PGO_CONF_MASKS_H
#define PGO_CONF_MASKS_H

#include "base/str.h"

enum {
	MASK_VALUE_MIN = 8, /* bytes of a value of `env` that is hidden: shorter ones are modes, ports, names of tags */
	MASK_TOKEN_MIN = 4, /* of what is a password for certain */
	MASK_USER_MIN = 16, /* of a user that may be one */
};

/* Adds those of VAR=VALUE. */
void masks_of_env(const char *entry, struct strv *masks);
/* Adds those of a password or token, alone and with its user as HTTP sends them. */
void masks_of_login(const char *user, const char *token, struct strv *masks);
/* Adds those of "user:password" of a URL; in "token:" the user is the secret. */
void masks_of_auth(const char *auth, struct strv *masks);

#endif
