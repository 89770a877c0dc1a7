"""Who sent it: the signature of a delivery."""

import hashlib
import hmac


def is_signed(body: bytes, signature: bytes | None, secret: str) -> bool:
    """Whether `signature`, the X-Signature header as received, is the lower-case hex HMAC-SHA256 of the raw body.

    Takes the same time whatever is wrong with it, so that no answer tells how much of a guess was right.
    """
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(expected, signature or b"")
