/* The service's bare repository: its making, its health, its upkeep. */
#ifndef PGO_JOB_REPO_H
#define PGO_JOB_REPO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "job/job.h"

#define REPO_TRACKED "refs/pgo/tracked"
#define REPO_VERIFIED "refs/pgo/verified" /* newest commit that verify let pass */
#define REPO_LIVE "refs/pgo/live"
#define REPO_PUSHED "refs/pgo/pushed/" /* + object name: of a push that is being deployed */
#define REPO_CUTS "shallow_"	       /* files beside the refs: where the clones of pushes under way are cut off */
#define REPO_KEPT "refs/pgo/kept/"
#define REPO_RELEASE "refs/pgo/release/" /* + object name: a commit that can be gone back to */

/* Files of ours in the repository directory. They stay when a broken repository is set aside. */
#define REPO_LIVE_INDEX "pgo-live.index"      /* what the live tree's tracked files are */
#define REPO_STAGE_MARK "pgo-stage.oid"	      /* the commit whose tree the stage holds, complete */
#define REPO_CHECKOUT_MARK "pgo-checkout.oid" /* the commit whose checkout has begun and not ended */
#define REPO_BROKEN_MARK "pgo-broken"	      /* a verb found damaged objects: the next fetch begins anew */

/* A repository was made here, to the end (it may be damaged). */
bool repo_exists(const struct job *job);
/* Makes the bare repository for object names of oid_len hex digits. */
int repo_init(const struct job *job, size_t oid_len, struct err *err);
/* For who changes refs without our job's lock (a push, while another job is at work): as long as the descriptor is
 * open, no lock file of git's is taken for one that was left. Returns it. */
int repo_hold_refs(const struct job *job, struct err *err);
/* Removes lock files and half-written objects that a killed git left. Only while our job's lock keeps all others away
 * but pushes: what somebody who lives may have made for one of those stays. */
void repo_clear_locks(const struct job *job);
/* The commit that a ref names (REMOTE_OID_SIZE bytes), whether its objects are there or not; false when there is no
 * such ref. */
bool repo_ref(const struct job *job, const char *ref, char *ret_oid);
/* The full names of the refs beneath a prefix, of another repository than PGO_REPO when git_dir is not NULL. */
int repo_list_refs(const struct job *job, const char *git_dir, const char *prefix, struct strv *ret, struct err *err);
/* The commit and all it consists of are there. */
bool repo_has_whole(const struct job *job, const char *rev);
/* The fetched commit is here as a whole, and so is the live one where there is one. The fetched one into ret_tracked
 * (REMOTE_OID_SIZE bytes). */
bool repo_tracked_and_live_whole(const struct job *job, char *ret_tracked);
/* The refs and the newest fetched commit can be read. */
bool repo_is_sound(const struct job *job);
/* All objects are what their names say: reads everything. */
bool repo_passes_fsck(const struct job *job);
/* Makes the refs beneath REPO_RELEASE exactly those of these commits, in one transaction; a commit that is not there as
 * a whole is left out, which is said. live: what REPO_LIVE becomes with them; NULL: it stays. */
int repo_keep_releases(const struct job *job, const struct strv *oids, const char *live, struct err *err);
/* These words of git tell of damage on our side, not of a network or disk that is full. */
bool repo_words_mean_damage(const char *words);
/* Moves a damaged repository into a directory broken-<time> inside of it. */
int repo_set_aside(const struct job *job, struct err *err);
/* Brings the saved local edits of repositories that were set aside back, and removes those that hold nothing else. */
void repo_recover(const struct job *job);
/* At most once a day, and only when enough has come together: packs what is needed, drops what nothing names for two
 * weeks. */
void repo_maintain(const struct job *job);

#endif
