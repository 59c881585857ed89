"""The peer of `cargo xtask bench stats` in numpy and scipy: `stats_numpy.py TASK FOLDER`, on the files that the example
`bench_stats data FOLDER` leaves there. Prints one line of JSON of the same shape.

DeLong is O(n log n) after Sun and Xu (IEEE Signal Processing Letters 2014;21:1389); the others are as fast as numpy lets
them be: kernels and ranks are computed once, and replicates of the bootstrap run through one einsum a batch.
"""

import json
import pathlib
import resource
import sys
import time

import numpy as np
from scipy.stats import rankdata

SIZES = {"mrmc": (2, 20, 2500, 2500), "small": (2, 5, 69, 45)}


def placements(ratings, positive):
    x, y = ratings[positive], ratings[~positive]
    together = rankdata(np.concatenate([x, y]))
    v10 = (together[: x.size] - rankdata(x)) / y.size
    v01 = 1.0 - (together[x.size :] - rankdata(y)) / x.size
    return v10, v01


def delong(a, b, positive):
    (a10, a01), (b10, b01) = placements(a, positive), placements(b, positive)
    variance = np.var(a10 - b10, ddof=1) / a10.size + np.var(a01 - b01, ddof=1) / a01.size
    return float(np.sqrt(variance))


def study(folder, stem):
    treatments, readers, negatives, positives = SIZES[stem]
    ratings = np.fromfile(folder / f"{stem}.f64", "<f8").reshape(treatments, readers, negatives + positives)
    return ratings, np.arange(negatives + positives) >= negatives


def cov2(ratings, positive, jackknife):
    """Mean covariance of different readers under the same treatment: what the Obuchowski-Rockette test rests on, as are
    the other means of the same matrix."""
    treatments, readers, cases = ratings.shape
    flat = ratings.reshape(-1, cases)
    v = [placements(row, positive) for row in flat]
    v10, v01 = np.array([p[0] for p in v]), np.array([p[1] for p in v])
    m, n = v10.shape[1], v01.shape[1]
    if jackknife:
        auc = v10.mean(axis=1, keepdims=True)
        left = np.concatenate([(m * auc - v10) / (m - 1), (n * auc - v01) / (n - 1)], axis=1)
        covariance = np.cov(left) * (cases - 1) ** 2 / cases
    else:
        covariance = np.cov(v10) / m + np.cov(v01) / n
    total = 0.0
    for t in range(treatments):
        block = covariance[t * readers : (t + 1) * readers, t * readers : (t + 1) * readers]
        total += (block.sum() - np.trace(block)) / (readers * (readers - 1))
    return float(total / treatments)


def bootstrap(ratings, positive, replicates=10_000, batch=500):
    """Standard deviation of the difference of two treatments over readers and cases drawn anew within each class."""
    random = np.random.default_rng(1)
    neg, pos = ratings[:, :, ~positive], ratings[:, :, positive]
    kernel = (pos[:, :, None, :] > neg[..., None]) + 0.5 * (pos[:, :, None, :] == neg[..., None])
    readers, n, m = ratings.shape[1], neg.shape[2], pos.shape[2]
    differences = []
    for _ in range(replicates // batch):
        wn = random.multinomial(n, np.full(n, 1 / n), size=batch) / n
        wp = random.multinomial(m, np.full(m, 1 / m), size=batch) / m
        wr = random.multinomial(readers, np.full(readers, 1 / readers), size=batch) / readers
        auc = np.einsum("trnm,bn,bm->btr", kernel, wn, wp, optimize=True)
        mean = np.einsum("btr,br->bt", auc, wr)
        differences.append(mean[:, 0] - mean[:, 1])
    return float(np.std(np.concatenate(differences), ddof=1))


def main():
    task, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    repeats = 3
    if task.startswith("delong_"):
        a, b, truth = (np.fromfile(folder / f"{task}_{part}.f64", "<f8") for part in ("a", "b", "truth"))
        positive = truth > 0.5
        run = lambda: delong(a, b, positive)
    elif task in ("or_delong", "or_jackknife"):
        ratings, positive = study(folder, "mrmc")
        run = lambda: cov2(ratings, positive, task == "or_jackknife")
    elif task == "bootstrap":
        ratings, positive = study(folder, "small")
        run = lambda: bootstrap(ratings, positive)
    else:
        raise SystemExit(f"{task} is no task")
    seconds, value = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        value = run()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "value": value, "peak_mib": peak}))


if __name__ == "__main__":
    main()
