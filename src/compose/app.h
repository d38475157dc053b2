/* An app's model, and the port where its visitors are led to: what the job `resolve` says under x-pgo-app of a pushed
 * commit, and what its built image says. Pure. */
#ifndef PGO_COMPOSE_APP_H
#define PGO_COMPOSE_APP_H

#include <jansson.h>
#include <stdbool.h>

/* Where the port comes from. */
enum app_port {
	APP_PORT_NONE,	  /* nothing names one: nobody is led there */
	APP_PORT_WORKER,  /* the app wants none */
	APP_PORT_NO_WEB,  /* several compose services, none of which is called web */
	APP_PORT_SAID,	  /* HTTP_PORT */
	APP_PORT_FILE,	  /* `expose` of the compose file */
	APP_PORT_IMAGE,	  /* EXPOSE of the image */
	APP_PORT_VARIABLE /* PORT in its environment: 5000 where the app says nothing else */
};

/* Takes out of a resolved model what only pgo writes, and a compose file may not; of an app the job has written some of
 * it. */
void app_disown(json_t *model, bool is_app);
/* Was the compose file written by us, for an app that brings none? */
bool app_is_made(const json_t *model);
/* Its compose service that visitors are for: `web`, else the only one; NULL. Borrowed. */
const char *app_web_service(const json_t *model);
/* The path that must answer well before the app is healthy; "" without one. The caller frees. */
char *app_check_path(const json_t *model);

/* Decides where visitors are led to and writes it into the resolved model (model_set_web), with PORT in the environment
 * where that tells the app; what an earlier decision wrote goes. image is the engine's Config of the web service's
 * image, NULL while it is not known. */
enum app_port app_decide_port(json_t *model, const json_t *image);

/* Gives the container of an app without a compose file an init as its process 1: a program that has no handler for
 * SIGTERM is ended by it then, and not ten seconds later. Not where the image starts one itself, as some insist on
 * being process 1. What an earlier decision wrote goes. image as above. */
void app_decide_init(json_t *model, const json_t *image);

#endif
