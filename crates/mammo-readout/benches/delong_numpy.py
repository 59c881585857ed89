"""DeLong's test for two paired curves in numpy and scipy, O(n log n) after Sun and Xu (2014).

Usage: delong_numpy.py DIRECTORY [REPEATS], with the files that the example bench_delong leaves there.
Prints one line of JSON of the same shape.
"""

import json
import pathlib
import sys
import time

import numpy as np
from scipy.stats import norm, rankdata


def placements(ratings, positive):
    x, y = ratings[positive], ratings[~positive]
    together = rankdata(np.concatenate([x, y]))
    v10 = (together[: x.size] - rankdata(x)) / y.size
    v01 = 1.0 - (together[x.size :] - rankdata(y)) / x.size
    return v10, v01


def paired(a, b, positive):
    (a10, a01), (b10, b01) = placements(a, positive), placements(b, positive)
    difference = a10.mean() - b10.mean()
    variance = np.var(a10 - b10, ddof=1) / a10.size + np.var(a01 - b01, ddof=1) / a01.size
    se = float(np.sqrt(variance))
    return float(difference), se, float(2 * norm.sf(abs(difference) / se))


def main():
    directory = pathlib.Path(sys.argv[1])
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    a, b, truth = (np.fromfile(directory / f"{name}.f64", "<f8") for name in ("a", "b", "truth"))
    positive = truth > 0.5
    result = paired(a, b, positive)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = paired(a, b, positive)
        seconds.append(time.perf_counter() - start)
    difference, se, p = result
    print(json.dumps({"name": "numpy/scipy delong paired", "cases": int(a.size), "seconds": seconds,
                      "difference": difference, "se": se, "p": p}))


if __name__ == "__main__":
    main()
