/* The address by which others reach this host. */
#ifndef PGO_SUPERVISOR_ADDRESS_H
#define PGO_SUPERVISOR_ADDRESS_H

/* The first IPv4 address of an interface that is up which the whole net reaches, else the first private one, else
 * 127.0.0.1. The caller frees it. */
char *address_own(void);

#endif
