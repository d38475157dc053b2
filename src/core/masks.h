/* Hiding what pgo.toml holds of secrets in what programs print and what is said of a model, before it gets into a log,
 * the database or an answer. Core does not know the secrets: see conf/mask.h. */
#ifndef PGO_CORE_MASKS_H
#define PGO_CORE_MASKS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/str.h"

struct masks;
struct vars;

/* Of the masks as the configuration has them. NULL when there are none. */
struct masks *masks_new(const struct strv *masks);
/* Adds more of them; *m may be NULL. */
void masks_add(struct masks **m, const struct strv *masks);
/* Of what the containers of a model get as variables, which nothing should say that is said of it. NULL likewise. */
struct masks *masks_of_model(const json_t *model);
/* Adds those of an app's variables; *m may be NULL. */
void masks_add_vars(struct masks **m, const struct vars *vars);
void masks_free(struct masks *m);
/* Puts ${NAME}, or *** for what is no variable, into the place of each secret. m may be NULL. */
void masks_hide(const struct masks *m, struct buf *text);
/* Likewise of an owned string. */
void masks_hide_str(const struct masks *m, char **text);

#endif
