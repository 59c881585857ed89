"""The training step of mammo-train in PyTorch, for comparison: the same networks, losses and updates on noise.

usage: torch_step.py '{"net": "becker", "height": 128, "width": 128, "ngf": 16, "ndf": 32, "blocks": 6,
                       "steps": 10, "threads": 2, "bf16": false}'
prints one JSON line: {"seconds": [...], "peak_mib": ...}

Further keys, with what holds without them:
  "device": "cpu"       or "cuda:N"; there the GPU's clock is read, and "gpu_peak_mib" (what tensors held at most) and
                        "gpu_reserved_mib" (what the allocator took for them) are printed too
  "precision": "f32"    or "tf32" (on a GPU alone), or "bf16" by autocast, as "bf16": true
  "batch": 1
  "variant": "eager"    or, on a GPU:
    "channels_last"        images and weights with their channels together, and one kernel for all of Adam
    "compiled"             networks by torch.compile(mode="reduce-overhead"), which records them as CUDA graphs; Adam as above
    "graph"                the whole step recorded once as a CUDA graph and replayed, Adam included
    "graph_channels_last"  both
"""

import contextlib
import json
import resource
import sys
import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels, zhu):
        super().__init__()
        pad = "reflect" if zhu else "zeros"
        layer = lambda: nn.Conv2d(channels, channels, 3, padding=1, padding_mode=pad)
        norm = lambda: nn.InstanceNorm2d(channels, affine=not zhu)
        act = nn.ReLU(True) if zhu else nn.LeakyReLU(0.2, True)
        self.path = nn.Sequential(layer(), norm(), act, layer(), norm())
        self.zhu = zhu

    def forward(self, x):
        y = x + self.path(x)
        return y if self.zhu else torch.relu(y)


class Generator(nn.Module):
    def __init__(self, zhu, ngf, blocks):
        super().__init__()
        pad = "reflect" if zhu else "zeros"
        act = lambda: nn.ReLU(True) if zhu else nn.LeakyReLU(0.2, True)
        norm = lambda c: nn.InstanceNorm2d(c, affine=not zhu)
        layers = [nn.Conv2d(1, ngf, 7, padding=3, padding_mode=pad), norm(ngf), act()]
        for c in (ngf, 2 * ngf):
            layers += [nn.Conv2d(c, 2 * c, 3, stride=2, padding=1), norm(2 * c), act()]
        layers += [Block(4 * ngf, zhu) for _ in range(blocks)]
        for c in (4 * ngf, 2 * ngf):
            layers += [nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1), norm(c // 2), act()]
        layers += [nn.Conv2d(ngf, 1, 7, padding=3, padding_mode=pad)]
        self.layers, self.zhu = nn.Sequential(*layers), zhu

    def forward(self, x):
        y = self.layers(x)
        return torch.tanh(y if self.zhu else x + y)


def discriminator(zhu, ndf):
    pad = 1 if zhu else 2
    layers, last = [], 1
    for i, c in enumerate((ndf, 2 * ndf, 4 * ndf, 8 * ndf)):
        layers.append(nn.Conv2d(last, c, 4, stride=2 if i < 3 else 1, padding=pad))
        if i:
            layers.append(nn.InstanceNorm2d(c, affine=not zhu))
        layers.append(nn.LeakyReLU(0.2, True))
        last = c
    layers.append(nn.Conv2d(last, 1, 4, padding=pad))
    return nn.Sequential(*layers)


def warmed_up(step, times):
    for _ in range(times):
        step()


def recorded(step, device):
    """The step as a CUDA graph: what it launches is recorded once, on memory that stays where it is, and replayed."""
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        warmed_up(step, 5)
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def gpu_seconds(step, steps, device):
    """Times of single steps by the GPU's clock, without waiting for it in between: a step is as long as the next one is late."""
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(steps + 1)]
    marks[0].record()
    for mark in marks[1:]:
        step()
        mark.record()
    torch.cuda.synchronize(device)
    return [a.elapsed_time(b) / 1000 for a, b in zip(marks, marks[1:])]


def main():
    config = json.loads(sys.argv[1])
    device = torch.device(config.get("device", "cpu"))
    on_gpu = device.type == "cuda"
    precision = "bf16" if config.get("bf16") else config.get("precision", "f32")
    variant, batch = config.get("variant", "eager"), config.get("batch", 1)
    if not on_gpu and (variant != "eager" or precision == "tf32"):
        sys.exit(f"variant {variant} in {precision} is for GPUs")
    if variant not in ("eager", "channels_last", "compiled", "graph", "graph_channels_last"):
        sys.exit(f"there is no variant {variant}")
    as_graph, channels_last = variant.startswith("graph"), variant.endswith("channels_last")
    torch.set_num_threads(config["threads"])
    torch.manual_seed(1)
    if on_gpu:
        torch.cuda.set_device(device)
        # PyTorch rounds the factors of convolutions to TF32 unless told not to.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "f32"
        # As pytorch-CycleGAN has it: the fastest algorithm of each convolution is found by trying.
        torch.backends.cudnn.benchmark = True
    zhu = config["net"] == "zhu"
    g_ab, g_ba = (Generator(zhu, config["ngf"], config["blocks"]) for _ in range(2))
    d_a, d_b = (discriminator(zhu, config["ndf"]) for _ in range(2))
    a, b = (torch.rand(batch, 1, config["height"], config["width"]) * 2 - 1 for _ in range(2))
    layout = {"memory_format": torch.channels_last} if channels_last else {}
    if on_gpu:
        g_ab, g_ba, d_a, d_b, a, b = (x.to(device, **layout) for x in (g_ab, g_ba, d_a, d_b, a, b))
    networks = g_ab, g_ba, d_a, d_b
    faster = {} if variant == "eager" else {"fused": True, "capturable": as_graph}
    adam = lambda *nets: torch.optim.Adam([p for n in nets for p in n.parameters()], 2e-4, (0.5, 0.999), **faster)
    generators, discriminators = adam(g_ab, g_ba), adam(d_a, d_b)
    real = lambda logits: ((logits - 1) ** 2).mean()
    l1 = nn.functional.l1_loss
    cast = contextlib.nullcontext
    if precision == "bf16":
        # Rounded weights that are kept would be those of the recording for ever.
        kept = {"cache_enabled": False} if as_graph else {}
        cast = lambda: torch.autocast(device.type, torch.bfloat16, **kept)
    begin = lambda: None
    if variant == "compiled":
        g_ab, g_ba, d_a, d_b = (torch.compile(net, mode="reduce-overhead") for net in networks)
        begin = torch.compiler.cudagraph_mark_step_begin

    def trains(value):
        for net in networks[2:]:
            net.requires_grad_(value)

    def step():
        begin()
        trains(False)
        with cast():
            fake_b, fake_a = g_ab(a), g_ba(b)
            loss = real(d_b(fake_b).float()) + real(d_a(fake_a).float())
            loss = loss + 10 * l1(g_ba(fake_b).float(), a) + 10 * l1(g_ab(fake_a).float(), b)
        generators.zero_grad(set_to_none=True)
        loss.backward()
        generators.step()
        trains(True)
        with cast():
            loss = 0
            for net, x, fake in ((d_a, a, fake_a), (d_b, b, fake_b)):
                loss = loss + 0.5 * (real(net(x).float()) + (net(fake.detach()).float() ** 2).mean())
        discriminators.zero_grad(set_to_none=True)
        loss.backward()
        discriminators.step()

    result = {}
    if on_gpu:
        taken = recorded(step, device) if as_graph else step
        warmed_up(taken, 10)
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        result["seconds"] = gpu_seconds(taken, config["steps"], device)
        result["gpu_peak_mib"] = torch.cuda.max_memory_allocated(device) / 2**20
        result["gpu_reserved_mib"] = torch.cuda.max_memory_reserved(device) / 2**20
    else:
        warmed_up(step, 3)
        result["seconds"] = seconds = []
        for _ in range(config["steps"]):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


main()
