"""The training step of mammo-train in PyTorch, for comparison: the same networks, losses and updates on noise.

usage: torch_step.py '{"net": "becker", "height": 128, "width": 128, "ngf": 16, "ndf": 32, "blocks": 6,
                       "steps": 10, "threads": 2, "bf16": false}'
prints one JSON line: {"seconds": [...], "peak_mib": ...}
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


def main():
    config = json.loads(sys.argv[1])
    torch.set_num_threads(config["threads"])
    torch.manual_seed(1)
    zhu = config["net"] == "zhu"
    g_ab, g_ba = (Generator(zhu, config["ngf"], config["blocks"]) for _ in range(2))
    d_a, d_b = (discriminator(zhu, config["ndf"]) for _ in range(2))
    adam = lambda *nets: torch.optim.Adam([p for n in nets for p in n.parameters()], 2e-4, (0.5, 0.999))
    generators, discriminators = adam(g_ab, g_ba), adam(d_a, d_b)
    a, b = (torch.rand(1, 1, config["height"], config["width"]) * 2 - 1 for _ in range(2))
    real = lambda logits: ((logits - 1) ** 2).mean()
    l1 = nn.functional.l1_loss
    cast = (lambda: torch.autocast("cpu", torch.bfloat16)) if config.get("bf16") else contextlib.nullcontext

    def step():
        for net in (d_a, d_b):
            net.requires_grad_(False)
        with cast():
            fake_b, fake_a = g_ab(a), g_ba(b)
            loss = real(d_b(fake_b).float()) + real(d_a(fake_a).float())
            loss = loss + 10 * l1(g_ba(fake_b).float(), a) + 10 * l1(g_ab(fake_a).float(), b)
        generators.zero_grad(set_to_none=True)
        loss.backward()
        generators.step()
        for net in (d_a, d_b):
            net.requires_grad_(True)
        with cast():
            loss = 0
            for net, x, fake in ((d_a, a, fake_a), (d_b, b, fake_b)):
                loss = loss + 0.5 * (real(net(x).float()) + (net(fake.detach()).float() ** 2).mean())
        discriminators.zero_grad(set_to_none=True)
        loss.backward()
        discriminators.step()

    for _ in range(3):
        step()
    seconds = []
    for _ in range(config["steps"]):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak}))


main()
