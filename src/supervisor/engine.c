#include "supervisor/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"

#define UNIX_PREFIX "unix://"
#define DEFAULT_SOCKET "/var/run/docker.sock"

int
engine_path(const char *docker_host, char **ret_path, struct err *err)
{
	auto_free char *clean = NULL;

	if (docker_host == NULL || *docker_host == '\0') {
		*ret_path = str_dup(DEFAULT_SOCKET);
		return 0;
	}
	if (!str_starts(docker_host, UNIX_PREFIX))
		return err_set(
		    err, EINVAL, "DOCKER_HOST must be a unix socket (unix:///path), not \"%s\"", docker_host);
	clean = path_clean(docker_host + strlen(UNIX_PREFIX));
	if (clean == NULL || strlen(clean) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_set(
		    err, EINVAL, "DOCKER_HOST does not name the absolute path of a socket: \"%s\"", docker_host);
	*ret_path = TAKE(clean);
	return 0;
}

int
engine_connect(const char *path, struct err *err)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (fd < 0)
		return err_errno(err, "cannot make a socket");
	memcpy(sa.sun_path, path, strlen(path) + 1); /* engine_path saw to its length */
	/* On a unix socket a connection stands at once or not at all; EAGAIN says that the engine's queue is full. */
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_errno(err, "cannot connect to the engine at %s", path);
	return take_fd(&fd);
}

int
engine_group(const char *path, uid_t uid, gid_t *ret_gid, struct err *err)
{
	struct stat st;

	if (uid == 0 || stat(path, &st) < 0 || (st.st_mode & S_IWOTH) != 0)
		return 0;
	/* Root's group would open root's files to the account as well. */
	if (st.st_gid == 0) {
		return err_set(err, EPERM,
		    "the engine's socket %s belongs to the group root; give it a group of its own (dockerd --group "
		    "docker)",
		    path);
	}
	*ret_gid = st.st_gid;
	return 1;
}
