/* pgod-web: asks for the page of metrics, and gets it. Less trusted: what it says wrong closes it. */
#ifndef PGO_CORE_WEB_H
#define PGO_CORE_WEB_H

struct core;
struct web;

/* A channel to pgod-web has come: takes it. An earlier one is over. */
void web_open(struct core *core, int take_fd);
/* NULL is fine. */
void web_free(struct web *w);

#endif
