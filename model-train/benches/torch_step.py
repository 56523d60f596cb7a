"""Seconds per training update in Python PyTorch: the peer of `mde-train bench`.

Usage: torch_step.py WIDTH BOTTLENECK [--batch N] [--f32] [--no-adv] [--perceptual]

The same networks, losses and optimisers as `mde-train bench` on random pictures, masks and boxes:
WIDTH 32 and BOTTLENECK 1024 are its preset half, 64 and 4000 its preset paper; --perceptual is its
--perceptual-network with SqueezeNet v1.1. Run both in turns on idle cores, this one with
MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184, its allocator's best.
"""

import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

SIDE = 96
DEPTH = (2, 2, 3, 3, 3)


def channels(width):
    return [width, 2 * width, 4 * width, 8 * width, 8 * width]


def block(inputs, outputs, stride, activation):
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), activation)


class Generator(nn.Module):
    """Section 2.5 of the paper, with the mask as input."""

    def __init__(self, width, bottleneck):
        super().__init__()
        sizes, inputs = channels(width), 6
        self.same, self.downscale = nn.ModuleList(), nn.ModuleList()
        for c, depth in zip(sizes, DEPTH):
            same = []
            for _ in range(depth - 1):
                same.append(block(inputs, c, 1, nn.ReLU(True)))
                inputs = c
            self.same.append(nn.Sequential(*same))
            self.downscale.append(block(c, c, 2, nn.ReLU(True)))
        coarse = (SIDE // 32) ** 2 * inputs
        self.encode = nn.Linear(coarse, bottleneck)
        self.decode = nn.Linear(bottleneck, coarse)
        self.upscale, self.join = nn.ModuleList(), nn.ModuleList()
        for c, depth in zip(reversed(sizes), (2, 2, 2, 1, 1)):
            up = nn.ConvTranspose2d(inputs, c, 4, 2, 1, bias=False)
            self.upscale.append(nn.Sequential(up, nn.BatchNorm2d(c), nn.ReLU(True)))
            join = [block(2 * c if k == 0 else c, c, 1, nn.ReLU(True)) for k in range(depth)]
            self.join.append(nn.Sequential(*join))
            inputs = c
        self.out = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, picture, mask):
        x, skips = torch.cat([picture * mask, mask], 1), []
        for same, halve in zip(self.same, self.downscale):
            x = same(x)
            skips.append(x)
            x = halve(x)
        shape = x.shape
        x = F.relu(self.decode(F.relu(self.encode(x.flatten(1))))).view(shape)
        for double, join, skip in zip(self.upscale, self.join, reversed(skips)):
            x = join(torch.cat([double(x), skip], 1))
        return torch.sigmoid(self.out(x).float())


class Discriminator(nn.Module):
    """The paper's, with coordinates, a real/fake output and three boxes."""

    def __init__(self, width):
        super().__init__()
        layers, inputs = [], 5
        for c, depth in zip(channels(width), DEPTH):
            for k in range(depth):
                layers.append(block(inputs, c, 2 if k + 1 == depth else 1, nn.LeakyReLU(0.2)))
                inputs = c
        self.features = nn.Sequential(*layers)
        self.real, self.boxes = nn.Linear(inputs, 1), nn.Linear(inputs, 12)

    def forward(self, x):
        n = len(x)
        line = torch.linspace(-1, 1, SIDE, dtype=x.dtype)
        across = line.view(1, 1, 1, -1).expand(n, 1, SIDE, SIDE)
        down = line.view(1, 1, -1, 1).expand(n, 1, SIDE, SIDE)
        x = self.features(torch.cat([x, across, down], 1)).mean((2, 3))
        return self.real(x).squeeze(1).float(), self.boxes(x).float().sigmoid().view(n, 3, 4)


class Fire(nn.Module):
    def __init__(self, inputs, squeezed, each):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.one, self.three = nn.Conv2d(squeezed, each, 1), nn.Conv2d(squeezed, each, 3, 1, 1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)


class SqueezeNet(nn.Module):
    """Version 1.1 up to fire9, with random weights: speed does not hang on them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, 2)
        sizes = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
        self.fire, inputs = nn.ModuleList(), 64
        for squeezed, each in sizes:
            self.fire.append(Fire(inputs, squeezed, each))
            inputs = 2 * each

    def forward(self, x):
        x = F.relu(self.conv(x * 255 - 114))
        features = [x]
        for k, fire in enumerate(self.fire):
            x = fire(F.max_pool2d(x, 3, 2, ceil_mode=True) if k in (0, 2, 4) else x)
            if k % 2:
                features.append(x)
        return features


def box_distance(seen, truth):
    return ((seen - truth).square().sum(2) + 1e-12).sqrt().sum(1).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("width", type=int)
    parser.add_argument("bottleneck", type=int)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--updates", type=int, default=7)
    parser.add_argument("--f32", action="store_true")
    parser.add_argument("--no-adv", action="store_true")
    parser.add_argument("--perceptual", action="store_true")
    args = parser.parse_args()

    layout = {"memory_format": torch.channels_last}
    g = Generator(args.width, args.bottleneck).to(**layout)
    d = Discriminator(args.width).to(**layout)
    network = SqueezeNet().to(**layout).requires_grad_(False)
    of_g = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999))
    of_d = torch.optim.Adam(d.parameters(), 2e-5, (0.5, 0.999))
    tell = F.binary_cross_entropy_with_logits
    ones, zeros = torch.ones(args.batch), torch.zeros(args.batch)

    def cast():
        return torch.autocast("cpu", torch.bfloat16, enabled=not args.f32)

    def update():
        z = torch.rand(args.batch, 3, SIDE, SIDE).contiguous(**layout)
        m = (torch.rand(args.batch, 3, SIDE, SIDE) < 0.1).float().contiguous(**layout)
        known, decoy = torch.rand(args.batch, 3, 4), torch.rand(args.batch, 3, 4)
        with cast():
            x = g(z, m)
            if not args.no_adv:
                real, _ = d(z)
                fake, seen = d(x.detach())
                loss = 1e-2 * (tell(real, ones) + tell(fake, zeros) + box_distance(seen, known))
        if not args.no_adv:
            of_d.zero_grad()
            loss.backward()
            of_d.step()
        with cast():
            loss = (x - z).square().mean()
            if not args.no_adv:
                fake, seen = d(x)
                loss = loss + 1e-2 * (tell(fake, ones) + box_distance(seen, decoy))
            if args.perceptual:
                with torch.no_grad():
                    targets = network(z)
                weights = (1, 0.5, 0.25, 0.125, 0.0625)
                pairs = zip(weights, network(x), targets)
                distance = sum(w * (a.float() - b.float()).square().mean() for w, a, b in pairs)
                loss = loss + 2e-5 * distance / sum(weights)
        of_g.zero_grad()
        loss.backward()
        of_g.step()

    for _ in range(2):
        update()
    times = []
    for _ in range(args.updates):
        started = time.perf_counter()
        update()
        times.append(time.perf_counter() - started)
    millions = sum(p.numel() for p in g.parameters()) / 1e6
    print(f"parameters {millions:.1f} M, median {sorted(times)[len(times) // 2]:.3f} s/update")


if __name__ == "__main__":
    main()
