/* pgod-core --operations: the tables of operations as text, by which the manual is held. */
#include <stdio.h>

#include "core/op.h"

static void
list_table(const struct op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("%s", ops[i].name);
		for (const struct op_option *o = ops[i].options; o != NULL && o->names != NULL; o++)
			printf(" %s", o->names);
		printf("\n");
	}
}

int
op_list(struct err *err)
{
	size_t n;
	const struct op *ops = op_table(&n);

	(void)err;
	list_table(ops, n);
	ops = host_op_table(&n);
	list_table(ops, n);
	return 0;
}
