#include "supervisor/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/auto.h"
#include "base/io.h"
#include "conf/rules.h"
#include "supervisor/deploykey.h"
#include "supervisor/keyfile.h"

/* More than all entries of `registries` that fit into a configuration. */
enum { CONFIG_JSON_MAX = 4 * 1024 * 1024 };

/* Where docker looks for what belongs to images whose name has no registry. */
#define HUB "docker.io"
#define HUB_KEY "https://index.docker.io/v1/"

/* docker's own way to write it down: base64, which hides nothing. */
static json_t *
registry_auth(const char *user, const char *token)
{
	char *text = str_printf("%s:%s", user, token);
	char *coded = str_base64(text, strlen(text));
	json_t *auth = json_pack("{s:s}", "auth", coded);

	if (auth == NULL)
		abort();
	str_wipe(text);
	str_wipe(coded);
	return auth;
}

static void
add_auth(json_t *auths, const char *registry, const char *user, const char *token)
{
	if (json_object_set_new(auths, str_eq(registry, HUB) ? HUB_KEY : registry, registry_auth(user, token)) != 0)
		abort();
}

/* Of the service, for what it pulls. */
static json_t *
auths_to_pull(const struct conf_service *s)
{
	json_t *auths = json_object();

	for (size_t i = 0; i < s->registries.n; i++) {
		auto_free char *user = NULL;
		auto_free char *registry = NULL;
		char *token = NULL;

		if (rule_split_registry(s->registries.v[i], &user, &token, &registry, NULL) < 0)
			abort(); /* conf_parse let it pass */
		add_auth(auths, registry, user == NULL ? s->user : user, token);
		str_wipe(token);
	}
	return auths;
}

/* Of the host, where the images of apps go when they run. */
static json_t *
auths_to_push(const struct conf_push *p)
{
	auto_free char *user = NULL;
	auto_free char *registry = NULL;
	auto_free char *path = NULL;
	char *token = NULL;
	json_t *auths = json_object();

	if (push_split_registry(p->registry, &user, &token, &registry, &path, NULL) < 0)
		abort(); /* conf_parse let it pass */
	add_auth(auths, registry, user, token);
	str_wipe(token);
	return auths;
}

/* What docker login would leave in the account's home, of this service alone. */
static void
add_docker_config(json_t *take_auths, struct secrets *ret)
{
	struct secret *file = &ret->files[ret->n++];
	json_t *config = json_pack("{s:o}", "auths", take_auths);
	char *text = NULL;

	if (config == NULL)
		abort();
	if ((text = json_dumps(config, JSON_COMPACT)) == NULL)
		abort();
	json_decref(config);
	/* The account's own ~/.docker is not looked at then: what a pull may say must not depend on who logged in. */
	*file = (struct secret){
	    .name = "config.json", .variable = "DOCKER_CONFIG", .is_dir = true, .data = BUF_INIT(CONFIG_JSON_MAX)};
	buf_str_add(&file->data, text);
	str_wipe(text);
}

static int
add_deploy_key(const struct facts *f, const struct conf_service *s, struct secrets *ret, struct err *err)
{
	struct secret *file = &ret->files[ret->n];
	int rc;

	*file = (struct secret){.name = "deploy_key", .variable = "PGO_SSH_KEY", .data = BUF_INIT(KEYFILE_MAX)};
	rc = deploykey_private(f, s->name, &file->data, err);
	if (rc >= 0 && file->data.len > 0)
		ret->n++;
	return rc;
}

int
secrets_of(const struct facts *f, const struct job_kind *k, const struct conf_service *s, const struct account *a,
    struct secrets *ret, struct err *err)
{
	/* The builder keeps files of its own beside that, and an account without a home has no other place for them. */
	if (s != NULL && (k->flags & JOB_REGISTRIES) != 0 && (s->registries.n > 0 || str_eq(a->home, ACCOUNT_NO_HOME)))
		add_docker_config(auths_to_pull(s), ret);
	if (s != NULL && s->hosted && (k->flags & JOB_PUBLISHES) != 0 && f->conf->push != NULL &&
	    f->conf->push->registry != NULL)
		add_docker_config(auths_to_push(f->conf->push), ret);
	ret->temporary = (k->flags & JOB_TEMPORARY) != 0;
	if (s != NULL && (k->flags & JOB_REMOTE) != 0)
		return add_deploy_key(f, s, ret, err);
	return 0;
}

bool
secrets_any(const struct secrets *s)
{
	return s->n > 0 || s->temporary;
}

void
secrets_envp(const struct secrets *s, const char *dir, struct strv *envp)
{
	if (s->temporary)
		strv_add_take(envp, str_printf("TMPDIR=%s", dir));
	for (size_t i = 0; i < s->n; i++)
		strv_add_take(envp, str_printf("%s=%s%s%s", s->files[i].variable, dir, s->files[i].is_dir ? "" : "/",
					s->files[i].is_dir ? "" : s->files[i].name));
}

static int
mount_tmpfs(const char *dir, uid_t uid, gid_t gid, struct err *err)
{
	/* docker's builder keeps a few files of its own beside its configuration, and a Dockerfile that compose wrote.
	 */
	auto_free char *options = str_printf("mode=0700,uid=%u,gid=%u,size=64m,nr_inodes=512", uid, gid);
	auto_free char *noswap = str_printf("%s,noswap", options);
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	/* Nothing of it reaches a disk, where the kernel (6.4 and later) can promise that. */
	if (mount("pgo-private", dir, "tmpfs", flags, noswap) < 0 &&
	    (errno != EINVAL || mount("pgo-private", dir, "tmpfs", flags, options) < 0))
		return err_errno(err, "cannot mount a tmpfs over %s", dir);
	return 0;
}

static int
write_file(int dirfd, const struct secret *file, uid_t uid, gid_t gid, struct err *err)
{
	auto_close int fd = openat(dirfd, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fchown(fd, uid, gid) < 0)
		return err_errno(err, "cannot make %s", file->name);
	return io_write_all(fd, buf_str(&file->data), file->data.len, err);
}

int
secrets_mount(const struct secrets *s, const char *dir, uid_t uid, gid_t gid, struct err *err)
{
	int rc = mount_tmpfs(dir, uid, gid, err);
	auto_close int dirfd = rc < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (rc < 0)
		return rc;
	if (dirfd < 0)
		return err_errno(err, "cannot open %s", dir);
	for (size_t i = 0; rc >= 0 && i < s->n; i++)
		rc = write_file(dirfd, &s->files[i], uid, gid, err);
	return rc < 0 ? err_wrap(err, "%s", dir) : 0;
}

void
secrets_done(struct secrets *s)
{
	for (size_t i = 0; i < s->n; i++)
		buf_wipe(&s->files[i].data);
	s->n = 0;
}
