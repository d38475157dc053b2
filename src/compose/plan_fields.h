/* Inside of the plan: which fields of the model differ. Only plan*.c include this. */
#ifndef PGO_COMPOSE_PLAN_FIELDS_H
#define PGO_COMPOSE_PLAN_FIELDS_H

#include "compose/plan.h"

/* The image of a service that shall run; NULL without. */
const struct plan_image *plan_image_of(const struct plan_input *in, const char *service);
/* What differs in a service that is in both models, and in what it uses of the top level. */
void plan_fields(const struct plan_input *in, const char *name, struct changes *ret);
/* What differs in the rest of the model. */
void plan_whole(const struct plan_input *in, struct changes *ret);

#endif
