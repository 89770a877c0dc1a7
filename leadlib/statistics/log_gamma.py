"""The logarithm of the gamma function for whole arrays, which numpy does not have."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SHIFT = 8


def log_gamma(x: npt.ArrayLike) -> Floats:
    """ln Γ(x), element by element, for x > 0; right to about 11 digits.

    Stirling's series at x + 8, where four terms are enough, and Γ(x) = Γ(x + 8) / x (x + 1) ... (x + 7).
    """
    small = np.asarray(x, dtype=np.float64)
    below = np.ones_like(small)
    for step in range(_SHIFT):
        below = below * (small + step)
    large = small + _SHIFT
    series = 1 / (12 * large) - 1 / (360 * large**3) + 1 / (1260 * large**5) - 1 / (1680 * large**7)
    found: Floats = (large - 0.5) * np.log(large) - large + 0.5 * np.log(2 * np.pi) + series - np.log(below)
    return found
