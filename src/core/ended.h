/* An exit with 0 is an end only when the container came to it by itself. One that the engine told to stop, because it
 * was itself stopped or the machine went down, ends with 0 as well, and has to come back. An engine that stops says of
 * each container that it tells it to end; a machine that goes down may end them without a word, and then the engine. So
 * what was seen to end alone has finished, as long as the machine is not started anew; else what lay still for a while.
 */
#ifndef PGO_CORE_ENDED_H
#define PGO_CORE_ENDED_H

struct runs;
struct service;

/* What has ended this long before the engine stops answering is sure to have ended by itself. */
enum { ENDED_SURE_MS = 20 * 1000 };

void ended_make_timer(struct service *svc);
/* The containers are not as they were: what has finished is written down, at once or when that is sure. */
void ended_look(struct service *svc, const struct runs *runs);
/* What has finished now has finished by itself. */
void ended_record(struct service *svc);
/* Nothing is sure until the engine is back; what has ended meanwhile ended with it. */
void ended_on_engine_down(struct service *svc);
void ended_on_engine_up(struct service *svc);
/* Adds what ended with the engine to what is missing. */
void ended_add(const struct service *svc, struct runs *runs);
/* All of it has been brought up again. */
void ended_revived(struct service *svc);

#endif
