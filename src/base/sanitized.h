/* PGO_SANITIZED: is this a build with sanitizers? They map terabytes and read /proc, which limits and sealed views must
 * let them. */
#ifndef PGO_BASE_SANITIZED_H
#define PGO_BASE_SANITIZED_H

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define PGO_SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define PGO_SANITIZED 1
#endif
#ifndef PGO_SANITIZED
#define PGO_SANITIZED 0
#endif

#endif
