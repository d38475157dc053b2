/* The uploaded keys of this host: in the store, and as core has them at hand. */
#ifndef PGO_CORE_UPLOADED_H
#define PGO_CORE_UPLOADED_H

#include "core/core.h"

/* Reads them all, at core's start. One that cannot be used any more is logged, and gives nothing. */
int uploaded_load(struct core *core, struct err *err);
/* Writes a new one and takes it over. *take_key is empty then, and untouched on failure. */
int uploaded_add(struct core *core, struct pushkey *take_key, struct err *err);
int uploaded_remove(struct core *core, struct pushkey *k, struct err *err);
/* pushkey_allow or pushkey_deny, written down. Changes nothing on failure. */
int uploaded_change(struct core *core, struct pushkey *k,
    int (*change)(struct pushkey *k, const char *app, struct err *err), const char *app, struct err *err);

/* The app is called otherwise from now on: whoever may act on it still may. Part of a change (store_begin): if that
 * comes to nothing, uploaded_again. -EEXIST: a key is allowed an app of that name, which would be this one. */
int uploaded_rename(struct core *core, const char *from, const char *to, struct err *err);
/* As they are written down, after a change that came to nothing. */
void uploaded_again(struct core *core);

/* An app was made by who; if that is the holder of an uploaded key (struct access.who), it is his. */
void uploaded_made(struct core *core, const char *who, const char *app);
/* There is no app of this name any more: nobody may act on one that somebody makes later. */
void uploaded_forget(struct core *core, const char *app);

#endif
