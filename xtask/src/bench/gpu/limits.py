"""What the GPU does at best, measured on the spot: a large matrix product in each precision, and a large copy.

usage: limits.py '{"device": "cuda:0", "side": 8192, "copy_mib": 1024}'
prints one JSON line: operations a second by precision, bytes a second (read and written), and what was measured with
"""

import json
import statistics
import sys

import torch


def seconds(device, what, repeats=10):
    """The middle of several times, by the GPU's own clock, after a warm-up."""
    for _ in range(3):
        what()
    times = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        what()
        end.record()
        torch.cuda.synchronize(device)
        times.append(start.elapsed_time(end) / 1000)
    return statistics.median(times)


def main():
    config = json.loads(sys.argv[1])
    if not torch.cuda.is_available():
        sys.exit("torch sees no GPU")
    device = torch.device(config["device"])
    torch.cuda.set_device(device)
    side = config["side"]
    result = {}
    # Random numbers: products of zeros take less power and run faster.
    a, b = (torch.randn(side, side, device=device) for _ in range(2))
    out = torch.empty_like(a)
    for name, tf32 in (("f32", False), ("tf32", True)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        result[name] = 2 * side**3 / seconds(device, lambda: torch.mm(a, b, out=out))
    a, b, out = a.bfloat16(), b.bfloat16(), out.bfloat16()
    result["bf16"] = 2 * side**3 / seconds(device, lambda: torch.mm(a, b, out=out))
    del a, b, out
    source = torch.randn(config["copy_mib"] * 2**18, device=device)
    target = torch.empty_like(source)
    result["copy"] = 2 * source.nbytes / seconds(device, lambda: target.copy_(source))
    result["gpu"] = torch.cuda.get_device_name(device)
    result["torch"] = torch.__version__
    result["cuda"] = torch.version.cuda
    result["cudnn"] = torch.backends.cudnn.version()
    print(json.dumps(result))


main()
