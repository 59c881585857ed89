"""Makes the files of this folder with PyTorch, in double precision: python make.py

Layers as the papers' tables have them; see ../README.md.
"""

import json
import struct

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

torch.set_default_dtype(torch.float64)


def save(path, tensors):
    """A safetensors file: length of the header, header, values."""
    header, body = {}, b""
    for name, tensor in sorted(tensors.items()):
        data = tensor.detach().contiguous().numpy().astype("<f8").tobytes()
        header[name] = {
            "dtype": "F64",
            "shape": list(tensor.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


class Becker2(nn.Module):
    """The generator of experiment 2; `blur` replaces its way up and its spectral norm."""

    def __init__(self, ngf, blocks, blur):
        super().__init__()
        sn = (lambda conv: conv) if blur else (lambda conv: spectral_norm(conv, n_power_iterations=2))
        conv = lambda a, b, k, s=1: sn(nn.Conv2d(a, b, k, s))
        self.blur = blur
        self.convs = nn.ModuleDict({"stem": conv(1, ngf, 7), "head": conv(ngf, 1, 7)})
        self.norms = nn.ModuleDict({"stem": self.norm(ngf)})
        for i, c in ((1, ngf), (2, 2 * ngf)):
            self.convs[f"down{i}"], self.norms[f"down{i}"] = conv(c, 2 * c, 3, 2), self.norm(2 * c)
        for i in range(blocks):
            for n in (1, 2):
                self.convs[f"res{i}_{n}"], self.norms[f"res{i}_{n}"] = conv(4 * ngf, 4 * ngf, 3), self.norm(4 * ngf)
        for i, c in ((1, 4 * ngf), (2, 2 * ngf)):
            self.convs[f"up{i}"], self.norms[f"up{i}"] = conv(c, c // 2, 3), self.norm(c // 2)
        self.blocks = blocks
        for module in self.modules():
            if isinstance(module, nn.InstanceNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.2)
                nn.init.normal_(module.bias, 0.0, 0.2)

    @staticmethod
    def norm(channels):
        return nn.InstanceNorm2d(channels, eps=1e-3, affine=True)

    def layer(self, name, x, pad):
        return self.norms[name](self.convs[name](F.pad(x, (pad,) * 4, mode="reflect")))

    def forward(self, x):
        y = F.relu(self.layer("stem", x, 3))
        for i in (1, 2):
            y = F.relu(self.layer(f"down{i}", y, 1))
        for i in range(self.blocks):
            y = y + self.layer(f"res{i}_2", F.relu(self.layer(f"res{i}_1", y, 1)), 1)
        for i in (1, 2):
            how = {"mode": "bilinear", "align_corners": False} if self.blur else {"mode": "nearest"}
            y = F.relu(self.layer(f"up{i}", F.interpolate(y, scale_factor=2, **how), 1))
        return torch.tanh(self.convs["head"](F.pad(y, (3,) * 4, mode="reflect")))


class Becker2Discriminator(nn.Module):
    def __init__(self, ndf):
        super().__init__()
        widths = [1, ndf, 2 * ndf, 4 * ndf, 8 * ndf, 1]
        self.convs = nn.ModuleDict(
            {
                f"conv{i}": spectral_norm(nn.Conv2d(widths[i], widths[i + 1], 4, 2 if i < 3 else 1))
                for i in range(5)
            }
        )
        self.norms = nn.ModuleDict(
            {f"norm{i}": nn.InstanceNorm2d(widths[i + 1], affine=True) for i in (1, 2, 3)}
        )

    def forward(self, x):
        for i in range(5):
            x = self.convs[f"conv{i}"](F.pad(x, (2,) * 4, mode="reflect"))
            if i in (1, 2, 3):
                x = self.norms[f"norm{i}"](x)
            if i < 4:
                x = F.leaky_relu(x, 0.2)
        return x


def ours(name):
    """Our name of a layer."""
    if name.startswith("res"):
        block, half = name.split("_")
        return block, half
    return name, ""


def weights(net):
    """Weights under our names, with the singular vectors."""
    tensors = {}
    for name, conv in net.convs.items():
        place, half = ours(name)
        key = name if name.startswith("conv") else f"{place}.conv{half}"
        if hasattr(conv, "parametrizations"):
            norm = conv.parametrizations.weight
            tensors[f"{key}.weight"] = norm.original
            tensors[f"{key}.weight.u"], tensors[f"{key}.weight.v"] = norm[0]._u, norm[0]._v
        else:
            tensors[f"{key}.weight"] = conv.weight
        tensors[f"{key}.bias"] = conv.bias
    for name, norm in net.norms.items():
        place, half = ours(name)
        key = name if name.startswith("norm") else f"{place}.norm{half}"
        tensors[f"{key}.weight"], tensors[f"{key}.bias"] = norm.weight, norm.bias
    return tensors


def golden(path, net, x):
    net.eval()  # the singular vectors stay
    x = x.clone().requires_grad_()
    y = net(x)
    (y**2).sum().backward()
    tensors = {"input": x, "output": y, "gradient.input": x.grad}
    for name, tensor in weights(net).items():
        tensors[f"weights.{name}"] = tensor
        if tensor.requires_grad:
            tensors[f"gradient.{name}"] = tensor.grad
    save(path, tensors)


def zhu(ngf, blocks):
    """pytorch-CycleGAN's generator, layer by layer, so that its numbering comes out."""
    norm = lambda c: nn.InstanceNorm2d(c, affine=False)

    class Block(nn.Module):
        def __init__(self, c):
            super().__init__()
            half = lambda: [nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), norm(c)]
            self.conv_block = nn.Sequential(*half(), nn.ReLU(), *half())

        def forward(self, x):
            return x + self.conv_block(x)

    layers = [nn.ReflectionPad2d(3), nn.Conv2d(1, ngf, 7), norm(ngf), nn.ReLU()]
    for c in (ngf, 2 * ngf):
        layers += [nn.Conv2d(c, 2 * c, 3, 2, 1), norm(2 * c), nn.ReLU()]
    layers += [Block(4 * ngf) for _ in range(blocks)]
    for c in (4 * ngf, 2 * ngf):
        layers += [nn.ConvTranspose2d(c, c // 2, 3, 2, 1, output_padding=1), norm(c // 2), nn.ReLU()]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, 1, 7), nn.Tanh()]
    net = nn.Module()
    net.model = nn.Sequential(*layers)
    return net


def patch(ndf):
    widths = [1, ndf, 2 * ndf, 4 * ndf, 8 * ndf]
    layers = [nn.Conv2d(1, ndf, 4, 2, 1), nn.LeakyReLU(0.2)]
    for i in (1, 2, 3):
        conv = nn.Conv2d(widths[i], widths[i + 1], 4, 2 if i < 3 else 1, 1)
        layers += [conv, nn.InstanceNorm2d(widths[i + 1]), nn.LeakyReLU(0.2)]
    net = nn.Module()
    net.model = nn.Sequential(*layers, nn.Conv2d(8 * ndf, 1, 4, 1, 1))
    return net


def pixel(ndf):
    net = nn.Module()
    net.net = nn.Sequential(
        nn.Conv2d(1, ndf, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(ndf, 2 * ndf, 1),
        nn.InstanceNorm2d(2 * ndf),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * ndf, 1, 1),
    )
    return net


def named(path, net, x):
    """A network under its own names."""
    sequence = getattr(net, "model", None) or net.net
    tensors = {f"weights.{name}": tensor for name, tensor in net.state_dict().items()}
    save(path, {"input": x, "output": sequence(x), **tensors})


torch.manual_seed(6)
x = torch.rand(1, 1, 40, 24) * 2 - 1
golden("becker2.safetensors", Becker2(2, 1, blur=False), x)
golden("becker2_discriminator.safetensors", Becker2Discriminator(2), x)
golden("blur.safetensors", Becker2(2, 1, blur=True), x)
named("pytorch_resnet.safetensors", zhu(2, 2), x)
named("pytorch_patch.safetensors", patch(2), x)
named("pytorch_pixel.safetensors", pixel(3), x)
