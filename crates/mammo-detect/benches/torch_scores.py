"""The scores of a network detector in PyTorch, for comparison: the same weights on the same images.

usage: torch_scores.py FOLDER THREADS
FOLDER holds images.f32 and network.json, as the example score_thousand writes them. Prints one JSON line:
{"seconds": [...], "value": mean log odds, "peak_mib": ..., "largest_difference": from network-scores.json}
"""

import json
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.set_grad_enabled(False)
detector = json.load(open(f"{folder}/network.json"))
stored = detector["method"]["network"]
stages = stored["network"]["stages"]
weights = {
    name: torch.tensor(p["values"], dtype=torch.float32).reshape(p["shape"])
    for name, p in stored["parameters"].items()
}
width, height = detector["trained_on"]["width_px"], detector["trained_on"]["height_px"]
images = np.fromfile(f"{folder}/images.f32", dtype="<f4").reshape(-1, 1, height, width)
line = torch.tensor([1.0, 2.0, 1.0])
binomial = (line[:, None] * line[None] / 16)[None, None]


def halved(x):
    n, c, h, w = x.shape
    y = F.conv2d(x.reshape(n * c, 1, h, w), binomial, stride=2, padding=1)
    return y.reshape(n, c, y.shape[2], y.shape[3])


def logits(x):
    # As detectors see images: 256 levels, air at 0.
    level = torch.floor(x * 255 + 0.5)
    x = torch.where(level < 8, torch.zeros_like(x), level / 255)
    tissue = F.avg_pool2d((x > 0).float(), 2**stages)
    y = 2 * x - 1
    y = 16 * (y - F.conv2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), binomial))
    for i in range(stages + 1):
        y = F.leaky_relu(F.conv2d(y, weights[f"conv{i}.weight"], weights[f"conv{i}.bias"], padding=1), 0.1)
        if i < stages:
            y = halved(y)
    places = F.conv2d(y, weights["head.weight"], weights["head.bias"])
    return (places * tissue).sum((1, 2, 3)) / tissue.sum((1, 2, 3))


logits(torch.from_numpy(images[:8]))
clock = time.perf_counter()
raw = torch.cat([logits(torch.from_numpy(images[i : i + 8])) for i in range(0, len(images), 8)])
seconds = time.perf_counter() - clock
scores = detector["calibration"]["intercept"] + detector["calibration"]["slope"] * raw.double().numpy()
ours = np.array(json.load(open(f"{folder}/network-scores.json")))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(
    json.dumps(
        {
            "seconds": [seconds],
            "value": float(scores.mean()),
            "peak_mib": peak,
            "largest_difference": float(np.abs(scores - ours).max()),
        }
    )
)
