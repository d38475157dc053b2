/* A pushed commit comes into the repository of the service that is deployed: of the app of a branch that is another one
 * than it was pushed to. And its submodules, which nobody pushes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "core/app.h"
#include "core/deploy_steps.h"

/* Core makes the pipe between the two accounts; not a byte of the commit comes by here. */
int
step_take_over(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	auto_strv struct strv wanted = {NULL, 0};
	auto_strv struct strv args = {NULL, 0};
	auto_close int from = -1;
	auto_close int to = -1;
	int fds[2];

	if (svc->app == NULL || !app_is_branch(svc))
		return STEP_NEXT;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, "cannot make a pipe");
	from = fds[0];
	to = fds[1];
	strv_add(&wanted, d->commit);
	strv_add(&args, d->commit);
	if (svc->row.tracked[0] != '\0')
		strv_add(&args, svc->row.tracked);
	job_start(svc->core,
	    &(struct job_spec){.kind = "export", .service = svc->app->row.main, .args = &args, .out_fd = to});
	return deploy_job_from(d, "import", &wanted, from);
}

int
step_submodules(struct deploy *d, struct err *err)
{
	auto_strv struct strv args = {NULL, 0};

	(void)err;
	strv_add(&args, d->commit);
	return deploy_job(d, "submodules", &args, NULL, 0, true);
}
