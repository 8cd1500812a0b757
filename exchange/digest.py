"""The digest chain that makes an altered or shortened log visible."""

from hashlib import blake2b

DIGEST_BYTES = 16


def digest(payload: bytes) -> str:
    """BLAKE2b of a payload as 32 hexadecimal characters.

    Each batch of a log names the digest of the whole payload before it, so that one digest vouches for all that came before.
    """
    return blake2b(payload, digest_size=DIGEST_BYTES).hexdigest()
