"""How surely a rank is known: the ranks of a group among likely sets of rates (Goldstein and Spiegelhalter 1996)."""

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats


def rank_intervals(draws: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The best and the worst rank of each group, of 95 % of the sets of rates in `draws` (rows: sets, columns: groups).

    Rank 1 is the highest rate. 2.5 % of the sets at most give the group a better rank, 2.5 % a worse one.
    """
    if not draws.shape[1]:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    order = np.argsort(-draws, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, draws.shape[1] + 1)[None, :], axis=1)
    best = np.quantile(ranks, 0.025, axis=0, method="lower")
    worst = np.quantile(ranks, 0.975, axis=0, method="higher")
    return best.astype(np.int64), worst.astype(np.int64)
