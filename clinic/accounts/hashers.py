from django.contrib.auth.hashers import Argon2PasswordHasher


class ClinicArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, 2 passes, 1 lane (the OWASP cheat sheet's minimum).

    Django's default takes 100 MiB a check: more than a whole web worker may use.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
