/* Which commits may be followed: signatures and force pushes. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "job/signature.h"

static char signers[4096];

/* Keys k1 and k2; work/ signs with k1; k1 is tess's in the signers file, which pgod-job gets on its standard input. */
static void
use_signers(struct fx *fx, const char *options)
{
	auto_free char *script = str_printf("echo 'tess@example.org %s' $(cut -d' ' -f1,2 k1.pub)", options);
	auto_free char *line = fx_sh(fx, script);

	snprintf(signers, sizeof(signers), "%s\n", line);
	fx->in = signers;
	fx->in_len = strlen(signers);
}

static void
sign_with(struct fx *fx)
{
	fx_do(fx, "for k in k1 k2; do ssh-keygen -q -t ed25519 -N '' -f $k; done; cd work; git config gpg.format ssh;"
		  "git config user.signingkey ../k1; git config commit.gpgsign true");
	fx_env(fx, "PGO_SIGNED", "1");
	use_signers(fx, "");
}

static char *
fetched(struct fx *fx, const char *script)
{
	char *oid = fx_commit(fx, script);

	if (fx_job(fx, "fetch", NULL) != 0)
		fail_msg("%s", buf_str(&fx->err));
	return oid;
}

static void
assert_refused(struct fx *fx, const char *oid, const char *why)
{
	assert_int_equal(fx_job(fx, "verify", oid), 6);
	fx_assert_said(fx, why);
	assert_string_equal(buf_str(&fx->out), "");
}

static void
a_commit_signed_by_a_signer_passes_and_a_merge_commit_too(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = NULL, *merge = NULL;

	sign_with(fx);
	one = fetched(fx, "echo 1 >a");
	assert_int_equal(fx_job(fx, "verify", one), 0);
	assert_non_null(strstr(buf_str(&fx->out), "signed by tess@example.org with ED25519 key SHA256:"));
	fx_do(fx, "test $(git --git-dir repo rev-parse refs/pgo/verified) = $(git -C work rev-parse HEAD)");
	merge = fetched(fx, "git checkout -q -b side; git -c commit.gpgsign=false commit -q --allow-empty -m s;"
			    "git checkout -q main; echo 2 >a; git commit -qam 2; git merge -q -m both side");
	assert_int_equal(fx_job(fx, "verify", merge), 0);
}

static void
an_unsigned_commit_is_refused_with_who_what_and_how(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL;

	sign_with(fx);
	oid = fetched(fx, "git config commit.gpgsign false; echo 1 >a; git add a; git commit -qm 'paint it red'");
	fx_do(fx, "git --git-dir repo update-ref -d refs/pgo/verified");
	/* Its signed tag signs the tag alone. */
	fx_do(fx, "cd work; git tag -s -m x v1; git push -q ../r.git v1");
	assert_refused(fx, oid, "by t <t@t> (\"");
	fx_assert_said(fx, "is not signed; only commits that are signed with SSH by one of the service's signers");
	fx_assert_said(fx, "git commit --amend -S");
	fx_do(fx, "! git --git-dir repo rev-parse -q --verify refs/pgo/verified");
}

static void
someone_elses_signature_is_told_by_its_key(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL, *print = NULL;

	sign_with(fx);
	oid = fetched(fx, "git config user.signingkey ../k2; echo 1 >a");
	print = fx_sh(fx, "ssh-keygen -lf k2 | cut -d' ' -f2");
	assert_refused(fx, oid, print);
	fx_assert_said(fx, "which is none of the signers'");
}

static void
a_tampered_commit_an_expired_key_and_another_namespace_are_refused(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL, *forged = NULL;

	sign_with(fx);
	oid = fetched(fx, "echo 1 >a");
	forged = fx_sh(fx, "git --git-dir repo cat-file commit refs/pgo/tracked | sed 's/^author t /author root /' |"
			   "git --git-dir repo hash-object -t commit -w --stdin");
	assert_refused(fx, forged, "does not match its signature");
	use_signers(fx, "valid-before=\"20200101\"");
	assert_refused(fx, oid, "line 1: key has expired");
	use_signers(fx, "namespaces=\"file\"");
	assert_refused(fx, oid, "not permitted for use in signature namespace");
	fx->in_len = 0;
	assert_refused(fx, oid, "none of the signers'");
	use_signers(fx, "valid-after=\"20200101\",namespaces=\"git\"");
	assert_int_equal(fx_job(fx, "verify", oid), 0);
}

static void
a_signature_that_is_not_ssh_is_refused_without_asking_gpg(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL, *pgp = NULL;

	sign_with(fx);
	oid = fetched(fx, "echo 1 >a");
	pgp = fx_sh(fx, "git --git-dir repo cat-file commit refs/pgo/tracked | sed 's/ SSH SIG/ PGP SIG/' |"
			"git --git-dir repo hash-object -t commit -w --stdin");
	assert_refused(fx, pgp, "not with an SSH key");
}

static void
the_repositorys_configuration_chooses_no_program_and_no_signers(void **state)
{
	struct fx *fx = *state;
	auto_free char *other = NULL, *mine = NULL;

	sign_with(fx);
	mine = fetched(fx, "echo 1 >a");
	other = fetched(fx, "git config user.signingkey ../k2; echo 2 >a");
	fx_do(fx,
	    "cat >evil <<'EOS'\n#!/bin/sh\ntouch \"$(dirname \"$0\")/ran\"\n"
	    "echo 'Good \"git\" signature for tess@example.org with ED25519 key SHA256:x'\nexit 0\nEOS\n"
	    "chmod +x evil; echo \"tess@example.org $(cut -d' ' -f1,2 k2.pub)\" >theirs;"
	    "for k in gpg.program gpg.ssh.program gpg.openpgp.program; do git --git-dir repo config $k $PWD/evil; done;"
	    "git --git-dir repo config gpg.ssh.allowedSignersFile $PWD/theirs;"
	    "git --git-dir repo config gpg.minTrustLevel never; git --git-dir repo config gpg.ssh.revocationFile $PWD/k1.pub;"
	    "git --git-dir repo config gpg.format openpgp; cp repo/config .gitconfig");
	assert_refused(fx, other, "none of the signers'");
	assert_int_equal(fx_job(fx, "verify", mine), 0);
	fx_assert_missing(fx, "ran");
}

static void
a_branch_that_names_a_tag_is_no_commit(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL, *tag = NULL;

	sign_with(fx);
	oid = fetched(fx, "echo 1 >a");
	tag = fx_sh(fx,
	    "cd work; git tag -s -m x v1; git push -q ../r.git v1; git --git-dir ../repo fetch -q ../r.git v1;"
	    "git rev-parse v1");
	assert_refused(fx, tag, "is not a commit");
	assert_int_equal(fx_job(fx, "verify", oid), 0);
}

static void
without_a_signers_file_nothing_passes(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL;

	sign_with(fx);
	oid = fetched(fx, "echo 1 >a");
	fx->in = NULL;
	assert_int_equal(fx_job(fx, "verify", oid), 1);
	fx_assert_said(fx, "no signers file");
}

/* --- rewind --- */

static int
verify_against(struct fx *fx, const char *oid, const char *deployed)
{
	auto_free char *operands = str_printf("%s %s", oid, deployed);

	return fx_job(fx, "verify", operands);
}

static void
a_branch_that_goes_on_passes_with_as_much_history_as_it_takes(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "echo 1 >a"), *two = NULL, *far = NULL, *count = NULL;

	fx_env(fx, "PGO_REWIND", "refuse");
	two = fetched(fx, "for i in 1 2 3; do git commit -q --allow-empty -m $i; done; echo 2 >a");
	assert_int_equal(verify_against(fx, two, one), 0);
	assert_int_equal(verify_against(fx, two, two), 0);
	far = fetched(fx, "for i in $(seq 60); do git commit -q --allow-empty -m $i; done; echo 3 >a");
	assert_int_equal(verify_against(fx, far, one), 0);
	/* The next fetch is as shallow as ever. */
	free(fetched(fx, "echo 4 >a"));
	count = fx_sh(fx, "git --git-dir repo rev-list --count refs/pgo/tracked");
	assert_string_equal(count, "1");
	fx_do(fx, "! git --git-dir repo rev-parse -q --verify refs/pgo/history");
}

static void
a_force_push_that_drops_the_deployed_commit_is_refused(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "echo 1 >a"), *two = fetched(fx, "echo 2 >a"), *orphan = NULL, *again = NULL;

	fx_env(fx, "PGO_REWIND", "refuse");
	/* Back to the first. */
	fx_do(fx, "git -C r.git update-ref refs/heads/main main~1");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	assert_int_equal(verify_against(fx, one, two), 6);
	fx_assert_said(fx, "was rewound");
	fx_assert_said(fx, "rewind = \"refuse\" in pgo.toml");
	/* Another history. */
	orphan = fetched(fx, "git checkout -q --orphan new; echo 3 >a");
	assert_int_equal(verify_against(fx, orphan, two), 6);
	/* The deployed commit vanished from the remote and from here. */
	assert_int_equal(verify_against(fx, orphan, "1111111111111111111111111111111111111111"), 6);
	/* What came after it is well again. */
	again = fetched(fx, "git checkout -q -f main; echo 5 >a");
	assert_int_equal(verify_against(fx, again, two), 0);
	fx_env(fx, "PGO_REWIND", "");
	assert_int_equal(verify_against(fx, orphan, two), 0);
}

static void
a_remote_that_is_away_decides_nothing(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "echo 1 >a"), *two = NULL;

	fx_env(fx, "PGO_REWIND", "refuse");
	two = fetched(fx, "for i in 1 2; do git commit -q --allow-empty -m $i; done; echo 2 >a");
	fx_do(fx, "mv r.git gone.git");
	assert_int_equal(verify_against(fx, two, one), 1);
	fx_assert_said(fx, "cannot read");
}

static void
words_of_a_commit_are_cut_and_told_apart(void **state)
{
	static const char text[] = "tree 1\nparent 2\nauthor A <a@b> 17 +0\ncommitter C <c@d> 18 +0\n"
				   "gpgsig -----BEGIN SSH SIGNATURE-----\n x\n\n\nsubject\nbody\n";
	struct commit_words w;

	(void)state;
	commit_words_read(text, strlen(text), &w);
	assert_int_equal(w.signature, SIGNATURE_SSH);
	assert_string_equal(w.author, "A <a@b>");
	assert_string_equal(w.subject, "subject");
	commit_words_read("author x\n\ngpgsig -----BEGIN SSH SIGNATURE-----", 45, &w);
	assert_int_equal(w.signature, SIGNATURE_NONE);
	commit_words_read("gpgsig-sha256 -----BEGIN PGP", 28, &w);
	assert_int_equal(w.signature, SIGNATURE_OTHER);
	commit_words_read("", 0, &w);
	assert_string_equal(w.subject, "");
}

static void
a_full_disk_is_no_verdict(void **state)
{
	(void)state;
	assert_true(signature_is_judged("Signature verification failed: incorrect signature"));
	assert_true(signature_is_judged("Could not verify signature."));
	assert_false(signature_is_judged("could not create temporary file: No space left on device"));
	assert_false(signature_is_judged("cannot run /usr/bin/ssh-keygen: Permission denied"));
	assert_false(signature_is_judged(""));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_commit_signed_by_a_signer_passes_and_a_merge_commit_too),
	    TEST(an_unsigned_commit_is_refused_with_who_what_and_how),
	    TEST(someone_elses_signature_is_told_by_its_key),
	    TEST(a_tampered_commit_an_expired_key_and_another_namespace_are_refused),
	    TEST(a_signature_that_is_not_ssh_is_refused_without_asking_gpg),
	    TEST(the_repositorys_configuration_chooses_no_program_and_no_signers),
	    TEST(a_branch_that_names_a_tag_is_no_commit),
	    TEST(without_a_signers_file_nothing_passes),
	    TEST(a_branch_that_goes_on_passes_with_as_much_history_as_it_takes),
	    TEST(a_force_push_that_drops_the_deployed_commit_is_refused),
	    TEST(a_remote_that_is_away_decides_nothing),
	    cmocka_unit_test(a_full_disk_is_no_verdict),
	    cmocka_unit_test(words_of_a_commit_are_cut_and_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
