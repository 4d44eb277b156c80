"""Measuring several things fairly: they take turns, so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import random

from measure import Measure, Result, Unavailable


def take_turns(measures: dict[str, Measure], runs: int, rounds: int) -> dict[str, Result]:
    """Measure everything, a block of runs each in turn, that many rounds.

    The order changes from round to round, alike in every session, so that nothing always runs behind the same
    neighbour. What proves unavailable once is not tried again.
    """
    results = {name: Result() for name in measures}
    order = list(measures)
    try:
        for turn in range(rounds):
            random.Random(turn).shuffle(order)
            for name in order:
                if results[name].reason is None:
                    try:
                        results[name].add(measures[name].block(runs))
                    except Unavailable as why:
                        results[name].reason = str(why)
    finally:
        for measure in measures.values():
            measure.close()
    return results
