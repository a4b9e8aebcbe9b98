"""argon2id for one-time codes and staff passwords (OWASP ASVS 6.5.2, 6.2.4)."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class ArgonCodeBook:
    """Codes live ten minutes and five tries, so a small cost keeps a turn quick."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
        self._nobody = _hash_of_nobody(2, 19456, 1)

    def hash(self, code: str) -> str:
        return self._hasher.hash(code)

    def matches(self, code: str, code_hash: str | None) -> bool:
        try:
            self._hasher.verify(code_hash or self._nobody, code)
        except (VerificationError, InvalidHashError):
            return False
        return code_hash is not None


class ArgonPasswords(ArgonCodeBook):
    """Passwords outlive codes: the library's own, dearer, defaults."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        hasher = self._hasher
        self._nobody = _hash_of_nobody(hasher.time_cost, hasher.memory_cost, hasher.parallelism)


@cache
def _hash_of_nobody(time_cost: int, memory_cost: int, parallelism: int) -> str:
    """What is checked when there is nothing to check, so that both take as long."""
    hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
    return hasher.hash("nobody")
