/* The apps beside the services of the file: what a push has made, and an operator takes away. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/conf.h"
#include "ipc/appname.h"

size_t
conf_count(const struct conf *c)
{
	return c->nservices + c->napps;
}

const struct conf_service *
conf_at(const struct conf *c, size_t i)
{
	return i < c->nservices ? &c->services[i] : c->apps[i - c->nservices];
}

const struct conf_service *
conf_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < conf_count(c); i++) {
		const struct conf_service *s = conf_at(c, i);

		if (s->name != NULL && str_eq(s->name, name))
			return s;
	}
	return NULL;
}

/* compose would give volumes of `a` and `a_b` the same name, as conf/service.c has it of the file. */
static bool
would_share_volumes(const char *a, const char *b)
{
	size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
	const char *longer = strlen(a) < strlen(b) ? b : a;

	return strncmp(a, b, n) == 0 && longer[n] == '_';
}

static int
check_free(const struct conf *c, const char *service, struct err *err)
{
	for (size_t i = 0; i < conf_count(c); i++) {
		const char *other = conf_at(c, i)->name;
		char name[APPNAME_MAX + 1];

		appname_of_service(other, name);
		if (str_eq(other, service))
			return err_set(err, EEXIST, "there is %s called %s already",
			    conf_at(c, i)->made ? "an app" : "a service", conf_at(c, i)->made ? name : other);
		if (would_share_volumes(other, service))
			return err_set(err, EEXIST,
			    "the name cannot stand beside that of %s: volumes of both would have the same name, write \"-\" in "
			    "place of the dot",
			    conf_at(c, i)->made ? name : other);
	}
	return 0;
}

static void
number(struct conf *c)
{
	for (size_t i = 0; i < c->napps; i++)
		c->apps[i]->place = c->nservices + i;
}

int
conf_add_app(struct conf *c, const char *name, uid_t uid, const struct conf_service **ret, struct err *err)
{
	char service[APPNAME_MAX + 1];
	struct conf_service **grown;
	size_t at = 0;
	int rc = appname_check(name, err);

	if (rc < 0)
		return rc;
	appname_service(name, service);
	rc = check_free(c, service, err);
	if (rc < 0)
		return rc;
	grown = reallocarray(c->apps, c->napps + 1, sizeof(struct conf_service *));
	if (grown == NULL)
		abort();
	c->apps = grown;
	while (at < c->napps && strcmp(c->apps[at]->name, service) < 0)
		at++;
	memmove(&c->apps[at + 1], &c->apps[at], (c->napps - at) * sizeof(struct conf_service *));
	c->apps[at] = conf_app(c->push, name, uid);
	c->napps++;
	number(c);
	*ret = c->apps[at];
	return 0;
}

void
conf_remove_app(struct conf *c, const struct conf_service *s)
{
	size_t at = s->place - c->nservices;

	conf_app_free(c->apps[at]);
	c->napps--;
	memmove(&c->apps[at], &c->apps[at + 1], (c->napps - at) * sizeof(struct conf_service *));
	number(c);
}
