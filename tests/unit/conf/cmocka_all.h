/* cmocka wants these first, in this order. */
#ifndef PGO_TESTS_CONF_CMOCKA_ALL_H
#define PGO_TESTS_CONF_CMOCKA_ALL_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#endif
