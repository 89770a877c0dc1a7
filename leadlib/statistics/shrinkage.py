"""Rates of many groups at once, each drawn towards the others by as much as its own leads leave open.

A beta-binomial model: every group has a rate of its own, the rates are spread like a beta distribution, and that
distribution is learnt from all groups (empirical Bayes: Efron and Morris 1975). How surely it is known counts too: its
mean and spread are weighed over a grid instead of fixed at their best values (Deely and Lindley 1981), otherwise the
intervals of a team of five would be too short.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats, log_gamma

N_DRAWS = 2_000
_SEED = 20_050_422

# The spread is the root of the correlation between two leads of one group: 0 for equal groups, 1 for all or nothing.
_SPREADS = np.linspace(0.01, 0.95, 48)
_STEPS = np.linspace(-3.0, 3.0, 9)


@dataclass(frozen=True)
class Shrunken:
    """One place per group: its `rate` and the ends of its 95 % interval, shares all; `draws` has a column per group.

    A row of `draws` is one set of rates that the leads allow, each row as likely as any other.
    """

    rate: Floats
    low: Floats
    high: Floats
    draws: Floats


def shrink(successes: npt.ArrayLike, n: npt.ArrayLike) -> Shrunken:
    """The shrunken rates of groups of which `successes` out of `n` succeeded, both of one length.

    A group without leads stands where the others lead one to expect it. Equal input gives equal output; `draws` are
    taken in the order given, so callers put groups in an order of their own first. Raises ValueError if successes are
    negative or more than n.
    """
    hits = np.asarray(successes, dtype=np.float64)
    trials = np.asarray(n, dtype=np.float64)
    if np.any(hits < 0) or np.any(hits > trials):
        raise ValueError("successes must lie between 0 and n")
    if not len(trials):
        return Shrunken(hits, hits, hits, np.empty((N_DRAWS, 0)))
    a, b, weight = _priors(hits, trials)
    rate = weight @ ((a[:, None] + hits) / ((a + b)[:, None] + trials))
    # Evenly spread over the grid's weights instead of at random: the same priors, with less noise.
    chosen = np.searchsorted(np.cumsum(weight), (np.arange(N_DRAWS) + 0.5) / N_DRAWS).clip(max=len(weight) - 1)
    misses = trials - hits
    draws = np.random.default_rng(_SEED).beta(a[chosen][:, None] + hits, b[chosen][:, None] + misses)
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    return Shrunken(rate, low, high, draws)


def _priors(hits: Floats, trials: Floats) -> tuple[Floats, Floats, Floats]:
    """Beta distributions that the groups' rates may come from, (a, b), and the weight of each; weights sum to 1."""
    overlap = (_SPREADS**2)[:, None]
    # A group's worth for the mean: its leads, fewer the more they are alike.
    worth = np.where(trials > 0, trials / (1 + (trials - 1) * overlap), 0.0)
    shares = hits / np.maximum(trials, 1)
    total = worth.sum(axis=1)
    mean = (worth @ shares + 0.5) / (total + 1)
    error = 1 / np.sqrt(mean * (1 - mean) * (total + 1))
    means = 1 / (1 + np.exp(-(np.log(mean / (1 - mean))[:, None] + error[:, None] * _STEPS)))
    strength = np.broadcast_to(1 / overlap - 1, means.shape).ravel()
    a, b = means.ravel() * strength, (1 - means.ravel()) * strength
    fit = _log_beta(a[:, None] + hits, b[:, None] + trials - hits).sum(axis=1) - len(hits) * _log_beta(a, b)
    # Steps of the grid are even in the logit, so each stands for a stretch of the mean as long as its slope.
    stretch = np.log(means * (1 - means) * error[:, None]).ravel()
    weight = np.exp(fit + stretch - (fit + stretch).max())
    return a, b, weight / weight.sum()


def _log_beta(a: Floats, b: Floats) -> Floats:
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)
