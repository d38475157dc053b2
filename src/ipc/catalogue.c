#include "ipc/catalogue.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

static const struct msg_spec catalogue[] = {
    /* pgod → core */
    {"config", PGOD_TO_CORE, "", 1, 1,
	"The checked configuration without secrets, as a sealed memfd; always the first message."},
    {"service", PGOD_TO_CORE, "name:s problem:s", 0, 0,
	"The service's directories are ready; or why they are not, and what to do (problem is empty when all is "
	"well)."},
    {"hold", PGOD_TO_CORE, "service:s held:b note:s", 0, 0,
	"<dir>/<service>.stop appeared or went away; note is who put it there and what it says."},
    {"signers", PGOD_TO_CORE, "service:s", 0, 0,
	"The file of the service's signers is not what it was: a commit that was refused may have one now."},
    {"job-waiting", PGOD_TO_CORE, "id:i pid:i", 0, 0,
	"The job waits: process pid of an earlier pgod still works on this service."},
    {"job-started", PGOD_TO_CORE, "id:i pid:i", 0, 1,
	"The job runs; with the other end of its terminal, when it has one."},
    {"job-exited", PGOD_TO_CORE, "id:i status:i error:s", 0, 0,
	"The job ended: its exit status, 128 + n after signal n, or -1 when it could not start or overran its "
	"deadline; error says why."},
    {"engine", PGOD_TO_CORE, "id:i error:s", 0, 1,
	"A fresh connection to the engine's socket, or the reason that there is none."},
    {"retired", PGOD_TO_CORE, "service:s error:s", 0, 0,
	"The directories of a removed service were moved to <dir>/.removed/."},
    {"held", PGOD_TO_CORE, "id:i error:s", 0, 0,
	"The stop file is as core asked for; or why it is not. What it says comes before, as a message hold."},
    {"pinned", PGOD_TO_CORE, "id:i error:s", 0, 0, "The service's pins are as asked for; or why they are not."},
    {"deploy-key", PGOD_TO_CORE, "id:i line:s error:s", 0, 0,
	"The public half of a service's deploy key, as a line of authorized_keys; or why there is none."},
    {"app", PGOD_TO_CORE, "name:s uid:i", 0, 0,
	"There is a new app, which runs as this user and group id; a message service follows."},
    {"app-answer", PGOD_TO_CORE, "id:i error:s", 0, 0, "The app that core asked for is there; or why it is not."},
    {"proxied", PGOD_TO_CORE, "id:i error:s written_ms:i leaving:b", 0, 0,
	"The proxy on the host has the routes as core said, in a file written then; or why it has not. leaving: the end "
	"of its processes that went by those before is told."},
    {"proxy-left", PGOD_TO_CORE, "id:i", 0, 0,
	"The proxy's processes that went by the routes before these have ended; where that is not known, it is not said."},
    {"client", PGOD_TO_CORE, "id:i peer:s", 1, 1, "A channel to the pgod-ssh that serves a new connection from peer."},
    {"web", PGOD_TO_CORE, "", 1, 1, "A channel to the pgod-web that serves metrics; an earlier one is over."},
    {"quit", PGOD_TO_CORE, "", 0, 0, "Start nothing new, finish what runs, then exit."},
    /* core → pgod */
    {"hello", CORE_TO_PGOD, "protocol:i", 0, 0, "Core is up and speaks this version of the catalogue."},
    {"job", CORE_TO_PGOD, "id:i kind:s service:s args:s stdio:s cols:i rows:i", 0, 4,
	"Start a job of a kind for a service with these operands (strv_pack). stdio has a digit for each descriptor "
	"sent: which of the job's 0, 1, 2, 3 it becomes; "
	"the others are /dev/null, and 3 is there only for the kinds that have one. "
	"cols and rows are the size of the terminal of a job that runs on one, else 0."},
    {"kill", CORE_TO_PGOD, "id:i signal:s", 0, 0,
	"Send the job's session a signal (INT, QUIT, HUP, WINCH), or end it (TERM: then KILL after its grace)."},
    {"engine", CORE_TO_PGOD, "id:i", 0, 0, "Ask for a connection to the engine."},
    {"app-create", CORE_TO_PGOD, "id:i name:s", 0, 0,
	"Make an app of this name, with a user id of its own that none ever had."},
    {"retire", CORE_TO_PGOD, "service:s", 0, 0,
	"Move the directories of a service that is no longer configured, or of an app that ends, to <dir>/.removed/."},
    {"hold", CORE_TO_PGOD, "id:i service:s held:b note:s", 0, 0,
	"Write <dir>/<service>.stop with this line (who, when, why), or remove it."},
    {"pin", CORE_TO_PGOD, "id:i service:s fresh:b exact:b", 1, 1,
	"Mount the service's share, if it has one, and make these pins (names and sources, each with a NUL behind it, as a "
	"sealed memfd). fresh: of what is at the source now; else a pin that exists stays as it is. exact: the service has "
	"no other pins afterwards."},
    {"deploy-key", CORE_TO_PGOD, "id:i service:s renew:b", 0, 0,
	"Tell the public half of the service's deploy key, which is made when there is none. renew: make another one."},
    {"upstreams", CORE_TO_PGOD, "id:i", 1, 1,
	"Where the routes lead now: for each, in the order of pgo.toml, the addresses of its containers (a line, as a sealed "
	"memfd); then for each name of an app, in their order, the name, a port and the addresses likewise. One at a time."},
    {"settled", CORE_TO_PGOD, "", 0, 0,
	"What the services' releases mount is pinned, or cannot be: the engine may start containers."},
    /* pgod-ssh → core */
    {"op", SSH_TO_CORE, "user:s key:s line:s term:s cols:i rows:i", 0, 0,
	"The holder of key (base64 of the blob that signed) asks for the operation line (base64 of the exec string). term, "
	"cols and rows are of the client's terminal, empty and 0 when it asked for none."},
    {"signal", SSH_TO_CORE, "name:s", 0, 0,
	"The client sent a signal (INT, TERM, QUIT, HUP) for the running operation."},
    {"eof", SSH_TO_CORE, "", 0, 0,
	"All of the client's stdin is in the pipe, which was closed: what ends without this was cut off."},
    /* core → pgod-ssh */
    {"output", CORE_TO_SSH, "stream:i data:s", 0, 0, "Text for the client's stdout (1) or stderr (2)."},
    {"run", CORE_TO_SSH, "", 1, 3,
	"The operation is a job: the write end of its stdin, the read ends of its stdout and stderr; or the one end of "
	"its terminal."},
    {"exit", CORE_TO_SSH, "status:i", 0, 0,
	"The operation ended with this status; pump the pipes dry, send it, close."},
    /* pgod-web → core */
    {"metrics", WEB_TO_CORE, "", 0, 0, "Somebody wants to know how pgo is; not asked again before it is answered."},
    /* core → pgod-web */
    {"metrics", CORE_TO_WEB, "health:s", 1, 1,
	"The metrics of now, or of a second ago, as a sealed memfd of text; health is one word that says why pgo can not "
	"do its work, empty when it can."},
};

const struct msg_spec *
msg_spec_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(catalogue);
	return catalogue;
}

const struct msg_spec *
msg_spec_find(const char *type, enum msg_dir dir)
{
	for (size_t i = 0; i < ARRAY_LEN(catalogue); i++) {
		if (catalogue[i].dir == dir && str_eq(catalogue[i].type, type))
			return &catalogue[i];
	}
	return NULL;
}

static bool
has_type(const json_t *v, char type)
{
	switch (type) {
	case 's':
		return json_is_string(v);
	case 'i':
		return json_is_integer(v);
	case 'b':
		return json_is_boolean(v);
	default:
		return false;
	}
}

int
msg_check(const struct msg_spec *spec, const json_t *body, size_t nfds, struct err *err)
{
	size_t fields = 1; /* "type" itself */

	for (const char *p = spec->fields; *p != '\0';) {
		size_t len = strcspn(p, ":");
		char name[32];

		if (len >= sizeof(name))
			return err_set(err, EBADMSG, "catalogue: field name too long in %s", spec->type);
		memcpy(name, p, len);
		name[len] = '\0';
		if (!has_type(json_object_get(body, name), p[len + 1]))
			return err_set(
			    err, EBADMSG, "message %s: field %s is missing or of the wrong type", spec->type, name);
		fields++;
		p += len + 2;
		while (*p == ' ')
			p++;
	}
	if (json_object_size(body) != fields)
		return err_set(err, EBADMSG, "message %s: a field that is not in the catalogue", spec->type);
	if (nfds < spec->fds_min || nfds > spec->fds_max)
		return err_set(err, EBADMSG, "message %s: %zu descriptors", spec->type, nfds);
	return 0;
}
