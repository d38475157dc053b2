/* Public keys that ssh-keygen made (their private halves are gone), and what ssh-keygen -l says of them; the sk keys
 * are put together by hand. */
#ifndef PGO_TESTS_SAMPLE_KEYS_H
#define PGO_TESTS_SAMPLE_KEYS_H

#define ED25519_0_TYPE "ssh-ed25519"
#define ED25519_0_BLOB "AAAAC3NzaC1lZDI1NTE5AAAAICqnt8gEUxOOeGG+3IEzFBcmBSR3KtVx1dy6omaGTnJD"
#define ED25519_0_PRINT "SHA256:w+P7dv/e3x0wMosrTKLAkf5i5IH8CQY6LI2xIsuUpjc"

#define RSA_2048_TYPE "ssh-rsa"
#define RSA_2048_BLOB                                                                                \
	"AAAAB3NzaC1yc2EAAAADAQABAAABAQDOkIM8/3YjsU7cAPryyekweN1BsQUS8nO189kOMr6ML42LfefcKsjL4+PSEx" \
	"8vD4oTgzPu65ykZQK5pVJito9apzcRLZBdYVKdXTOUM4LXrC9q7d30kAVg2ERsE+3THjeWwEjGOoNSm2P2r1HS0IHF" \
	"U7PjWaSvCCzW60aZoLeXD/f4pHj3ENsnHALPoT5574q678NMef+IWsv6mgWEEoW2RaqlFP8xpj9KTsMax0JiVC8YP6" \
	"RUyAT7VrKNXViSvxPqT1iJiMhzMtvLeMmKr7/CMmmf3BL5jnZCMGdNuqQFTMrDPTgeOhKzGHi1/dd0/MWkDxYGzo3B" \
	"4LY/K0vXs5VP"
#define RSA_2048_PRINT "SHA256:V2RXnPDnnD1fd3XflddxgW64wHrFljfJh0p/qzfD4Dc"

#define RSA_1024_TYPE "ssh-rsa"
#define RSA_1024_BLOB                                                                                \
	"AAAAB3NzaC1yc2EAAAADAQABAAAAgQCbhrmzo0gNuZFLrryFdFXP9HlmPKlWS2StBXMlZ5Pwnpv1nd+b9n1YuvRpN3" \
	"cBjbwMxy69Glem9Z/24co6I5gfRYQyScbWa3MIT9DZB4Q1X+YveU93xsj6fg2EUMXHcormxaWPJ86inEx1PbK+qQz1" \
	"Xll5so022chnTUgJgU8+rw=="
#define RSA_1024_PRINT "SHA256:2c4gMbcje3yTvZHdojJs9Miaw+MqgZ+Gcb5lgxkmDkU"

#define ECDSA_256_TYPE "ecdsa-sha2-nistp256"
#define ECDSA_256_BLOB                                                                               \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH/Vdgp+RUywBHW6+JuLL0rMY9jkMUHOSG4hYu" \
	"Xdh2CkvQzds3BvKah8/9TeG/kszvCVYB2PdMF53ZqFSajbNBE="
#define ECDSA_256_PRINT "SHA256:P9T5O2g7oYqsQxWSAxsCovvFZnzlYf7DGGgeUv1S7oc"

#define ECDSA_384_TYPE "ecdsa-sha2-nistp384"
#define ECDSA_384_BLOB                                                                               \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPR6K0g95vixSOZL0bUZk9MLzwHxXYXsVbwbaw" \
	"n+CBvP+sDSlahADBuE2AaUcKWQC2i7k6FVm46XmeJhVciC/WlcGjB7x8XbcjI7Q+pNcLJtyZen2QS+v6UnNpjKSs9F" \
	"gw=="
#define ECDSA_384_PRINT "SHA256:hUXtjXhQO1Fs6jngUaa9xdA3AtTFCfIT8GtOpZJFZZE"

#define ECDSA_521_TYPE "ecdsa-sha2-nistp521"
#define ECDSA_521_BLOB                                                                               \
	"AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAG7NooHV5G2eIkUeGcyG1o+K3ur3IHyNS3G6v" \
	"eJE3S7D+lq8IHftjk70teJUyW0kMc1NHnFe9JeG+F6+Pgr6NbrMgGcfzEBTQWKc5HpK15+Ud5ulQAAjwWQg9FeP8JY" \
	"ggtTgH9hlUAJ15vnHji+9Sz0zA7UjDb5bjyHmqppK5mYd1R1Rw=="
#define ECDSA_521_PRINT "SHA256:htLbgULE97G1U8gTMcPkfGIH3qzl6ffF5rRwUmKytHo"

#define DSA_1024_TYPE "ssh-dss"
#define DSA_1024_BLOB                                                                                \
	"AAAAB3NzaC1kc3MAAACBAN5b3oi84rNynnm/tNWcY4D2ddUh8O0d1vEumlAmyzbXKk6NE8DzhsDFxRkY8Y6LstvFZm" \
	"0iRaPbrk72xarSAoBVIO1PIXnYFuOBqlOuk0tUU4b1k+BG2XVWTa7lFUQT54ZS0YsQbz3n9eywzduylZ2zd0SMFkvu" \
	"5IsYvBCYcEchAAAAFQC4CE1zHbGqgQxGsEj5IoRqGgyoZQAAAIA4DJZMdsWeN4tcH0BtnxkEBKrZuSk+8ecr5CCouX" \
	"eQxrJehZYejj42ijOjz8Dn1sXNnX7porP/AkTGd6/mWcj4Pou92M/AgbDik4MaZ3/uChNSCI8ep1HfYCmEprMWZhl7" \
	"/Jaofxc5eifaYBmKpR4IxgJnFGRovTYs6cbj4eEujgAAAIEAmu4Nq0HYNSCmn3easVPRCikllGDKEzpFraAadr0gBW" \
	"stAXGhZSnOdrvSKw6FJQP0AJvx9WFojS73VqBokt0jxQ14CtssTWnVTRYE33QGnmez81K7T0QtQ09qPSo9Fu2SRS8F" \
	"AlVKBgYEe4F3Hpg4LEPxBN1KYIUMJE6yg13wTxo="
#define DSA_1024_PRINT "SHA256:XD74P/fb+0u/KwQJo2I8WkUtsnOBsAQbZDR/JJDc1Cg"

#define SK_ED25519_TYPE "sk-ssh-ed25519@openssh.com"
#define SK_ED25519_BLOB                                                                              \
	"AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIODqhq6HeQnN7C3Kp7WyFz7k5OnbUN1fQXsI/ZfEF7psAA" \
	"AABHNzaDo="
#define SK_ED25519_PRINT "SHA256:th5+mLBBrEAP++jjTNJzSFpAvd+nicDVVEYRTCTT8OU"

#define SK_ECDSA_TYPE "sk-ecdsa-sha2-nistp256@openssh.com"
#define SK_ECDSA_BLOB                                                                                \
	"AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBODqhq6HeQnN7C3Kp7" \
	"WyFz7k5OnbUN1fQXsI/ZfEF7ps4OqGrod5Cc3sLcqntbIXPuTk6dtQ3V9Bewj9l8QXumwAAAAEc3NoOg=="
#define SK_ECDSA_PRINT "SHA256:nhjpwSD7uNrYUI7j+PCsz3coAhtuDLJHLBl3UmZnRVg"

#endif
