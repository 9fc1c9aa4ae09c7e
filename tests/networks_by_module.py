"""The shipped workloads as plain PyTorch modules, of full size on the meta device.

Written from the sources of the networks (torchvision, MLPerf's and Meta's reference code), and not
from the workloads; no weight is made.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

Shapes = Counter[tuple[int, int, int, int]]  # M, K, N and groups of products with weights


class Ran:
    """What a module does with an input: shapes of its products, all MACs, parameters.

    ``values`` are those that elementwise operations leave, by the operation. With ``backward``
    everything is of a step of training; inputs, as data, have no gradient.
    """

    def __init__(self, module: nn.Module, *inputs: Tensor, backward: bool = False) -> None:
        self.shapes: Shapes = Counter()
        self.parameters = sum(one.numel() for one in module.parameters())
        handles = [
            one.register_forward_hook(self._count)
            for one in module.modules()
            if isinstance(one, nn.Linear | nn.Conv2d | nn.Conv3d | nn.ConvTranspose3d)
        ]
        module.train(backward)
        counted = _Elementwise()
        with torch.set_grad_enabled(backward), FlopCounterMode(display=False) as flops, counted:
            self.outputs = module(*inputs)
            if backward:
                self.outputs.sum().backward()
        self.values = counted.values
        for handle in handles:
            handle.remove()
        assert flops.get_total_flops() % 2 == 0
        self.macs = flops.get_total_flops() // 2

    def _count(self, module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weight = module.weight
        if isinstance(module, nn.Linear):
            shape = (output.numel() // output.shape[-1], weight.shape[1], weight.shape[0], 1)
        elif isinstance(module, nn.ConvTranspose3d):
            rows = inputs[0].numel() // weight.shape[0]
            shape = (rows, weight.shape[0], weight[0].numel(), 1)
        else:
            groups = module.groups
            rows = output.numel() // weight.shape[0]
            shape = (rows, weight[0].numel(), weight.shape[0] // groups, groups)
        self.shapes[shape] += 1


class _Elementwise(TorchDispatchMode):
    """Values that each operation leaves first."""

    def __init__(self) -> None:
        super().__init__()
        self.values: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, tuple) else result
        if isinstance(first, Tensor):
            self.values[func.overloadpacket.__name__] += first.numel()
        return result


def meta(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


def tokens(batch: int, sequence: int) -> Tensor:
    return torch.empty((batch, sequence), dtype=torch.int64, device="meta")


def conv(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    padding = kernel // 2
    made = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*made, *([nn.ReLU()] if relu else []))


class Residual(nn.Module):
    def __init__(self, body: nn.Module, shortcut: nn.Module | None, relu: bool = True) -> None:
        super().__init__()
        self.body, self.shortcut, self.relu = body, shortcut, relu

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x) + (x if self.shortcut is None else self.shortcut(x))
        return functional.relu(y) if self.relu else y


def resnet_stages(
    kind: str, blocks: Sequence[int], strides: Sequence[int], middle: Callable[..., nn.Module]
) -> nn.Sequential:
    stages: list[nn.Module] = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, (number, first) in enumerate(zip(blocks, strides, strict=True)):
        width = 64 * 2**stage
        outputs = width * (4 if kind == "bottleneck" else 1)
        for block in range(number):
            stride = first if block == 0 else 1
            if kind == "bottleneck":
                made = (conv(inputs, width, 1), middle(stage, width, stride),
                        conv(width, outputs, 1, relu=False))  # fmt: skip
            else:
                made = (conv(inputs, width, 3, stride), conv(width, width, 3, relu=False))
            same = stride == 1 and inputs == outputs
            shortcut = None if same else conv(inputs, outputs, 1, stride, relu=False)
            stages.append(Residual(nn.Sequential(*made), shortcut))
            inputs = outputs
    return nn.Sequential(*stages)


def _plain(stage: int, width: int, stride: int) -> nn.Module:
    return conv(width, width, 3, stride)


def resnet50() -> nn.Module:
    body = resnet_stages("bottleneck", (3, 4, 6, 3), (1, 2, 2, 2), _plain)
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class Deformable(nn.Module):
    """A modulated deformable convolution, sampled by ``grid_sample`` and multiplied as unfolded."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.offset = nn.Conv2d(width, 27, 3, stride, 1)
        self.weight = nn.Linear(9 * width, width, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        found = self.offset(x)
        batch, _, height, across = found.shape
        grid = found[:, :18].reshape(batch * 9, 2, height, across).permute(0, 2, 3, 1)
        images = x.repeat_interleave(9, dim=0)
        sampled = functional.grid_sample(images, grid, align_corners=False)
        sampled = sampled.reshape(batch, 9, -1, height, across)
        sampled = sampled * found[:, 18:].sigmoid().unsqueeze(2)
        rows = sampled.permute(0, 3, 4, 2, 1).reshape(batch, height, across, -1)
        return functional.relu(self.norm(self.weight(rows).permute(0, 3, 1, 2)))


def resnet50_dcnv2() -> nn.Module:
    def middle(stage: int, width: int, stride: int) -> nn.Module:
        return Deformable(width, stride) if stage else conv(width, width, 3, stride)

    return resnet_stages("bottleneck", (3, 4, 6, 3), (1, 2, 2, 2), middle)


def mnist_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def mobilenet_v2() -> nn.Module:
    made: list[nn.Module] = [conv(3, 32, 3, 2)]
    inputs = 32
    for t, c, n, s in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                       (6, 160, 3, 2), (6, 320, 1, 1)):  # fmt: skip
        for index in range(n):
            stride, inner = (s if index == 0 else 1), t * inputs
            steps = [conv(inputs, inner, 1)] if t > 1 else []
            steps += [conv(inner, inner, 3, stride, groups=inner), conv(inner, c, 1, relu=False)]
            body = nn.Sequential(*steps)
            same = stride == 1 and inputs == c
            made.append(Residual(body, None, relu=False) if same else body)
            inputs = c
    made += [conv(inputs, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000)]
    return nn.Sequential(*made)


class Ssd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = resnet_stages("basic", (3, 4, 6), (1, 2, 1), _plain)
        shapes = [(256, 256, 512, 2, 1), (512, 256, 512, 2, 1), (512, 128, 256, 2, 1),
                  (256, 128, 256, 2, 0), (256, 128, 256, 1, 0)]  # fmt: skip
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, m, 1), nn.ReLU(), nn.Conv2d(m, o, 3, s, p), nn.ReLU())
            for i, m, o, s, p in shapes
        )
        each = list(zip((256, 512, 512, 256, 256, 256), (4, 6, 6, 6, 4, 4), strict=True))
        self.places = nn.ModuleList(nn.Conv2d(i, 4 * n, 3, 3, 1) for i, n in each)
        self.classes = nn.ModuleList(nn.Conv2d(i, 81 * n, 3, 3, 1) for i, n in each)

    def forward(self, x: Tensor) -> Tensor:
        maps = [self.body(x)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        found = [head(one) for head, one in zip(self.places, maps, strict=True)]
        found += [head(one) for head, one in zip(self.classes, maps, strict=True)]
        return torch.cat([one.flatten(1) for one in found], dim=1)


class Unet3d(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        filters = (32, 64, 128, 256, 320, 320)

        def pair(inputs: int, outputs: int, stride: int) -> nn.Sequential:
            made: list[nn.Module] = []
            for i, s in ((inputs, stride), (outputs, 1)):
                made += [nn.Conv3d(i, outputs, 3, s, 1, bias=False),
                         nn.InstanceNorm3d(outputs, affine=True), nn.ReLU()]  # fmt: skip
            return nn.Sequential(*made)

        self.down = nn.ModuleList(
            pair(i, o, 2 if n else 1)
            for n, (i, o) in enumerate(zip((1, *filters[:-1]), filters, strict=True))
        )
        back = list(zip(filters[:0:-1], filters[-2::-1], strict=True))
        self.widen = nn.ModuleList(nn.ConvTranspose3d(i, o, 2, 2) for i, o in back)
        self.up = nn.ModuleList(pair(2 * o, o, 1) for _, o in back)
        self.output = nn.Conv3d(32, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for down in self.down:
            x = down(x)
            kept.append(x)
        for widen, up, skipped in zip(self.widen, self.up, kept[-2::-1], strict=True):
            x = up(torch.cat((widen(x), skipped), dim=1))
        result: Tensor = self.output(x)
        return result


class Block(nn.Module):
    """Attention and a feed-forward network of an encoder, or of OPT."""

    def __init__(self, hidden: int, inner: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(3))
        self.out, self.up = nn.Linear(hidden, hidden), nn.Linear(hidden, inner)
        self.down = nn.Linear(inner, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = (
            one(x).reshape(batch, length, self.heads, -1).transpose(1, 2) for one in self.qkv
        )
        y = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = self.norms[0](x + self.out(y))
        y = self.norms[1](x + self.down(functional.gelu(self.up(x))))
        return torch.as_tensor(y)


class Bert(nn.Module):
    def __init__(self, heads_of_tasks: bool = False) -> None:
        super().__init__()
        hidden = 1024
        self.tables = nn.ModuleList(nn.Embedding(n, hidden) for n in (30522, 512, 2))
        self.norm = nn.LayerNorm(hidden)
        self.blocks = nn.Sequential(*(Block(hidden, 4096, 16) for _ in range(24)))
        self.pooler = nn.Linear(hidden, hidden)
        self.tasks = None
        if heads_of_tasks:
            head = nn.Linear(hidden, 30522)
            head.weight = self.tables[0].weight
            self.tasks = nn.Sequential(
                nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden), head
            )
            self.follows = nn.Linear(hidden, 2)

    def forward(self, x: Tensor, hidden_words: int = 0) -> Tensor:
        x = self.blocks(self.norm(sum(table(x) for table in self.tables)))
        pooled: Tensor = self.pooler(x[:, 0]).tanh()
        if self.tasks is not None:
            self.follows(pooled)
            pooled = self.tasks(x[:, :20])
        return pooled


class Opt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(50272, 768), nn.Embedding(2050, 768)
        self.blocks = nn.Sequential(*(Block(768, 3072, 12) for _ in range(12)))
        self.norm = nn.LayerNorm(768)
        self.head = nn.Linear(768, 50272, bias=False)
        self.head.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.norm(self.blocks(self.words(x) + self.places(x))))
        return y


class Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 16, 16)
        self.places = nn.Parameter(torch.empty(1, 197, 768))
        self.class_token = nn.Parameter(torch.empty(1, 1, 768))
        self.blocks = nn.Sequential(*(Block(768, 3072, 12) for _ in range(12)))
        self.norm, self.head = nn.LayerNorm(768), nn.Linear(768, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.class_token.expand(x.shape[0], -1, -1), x), dim=1) + self.places
        y: Tensor = self.head(self.norm(self.blocks(x))[:, 0])
        return y


class LlamaBlock(nn.Module):
    """A decoder with a cache, and, with several experts, tokens that are spread over them."""

    def __init__(self, hidden: int, inner: int, heads: int, kv: int, experts: int = 1) -> None:
        super().__init__()
        self.heads, self.kv = heads, kv
        width = hidden // heads
        self.q = nn.Linear(hidden, hidden, bias=False)
        self.k, self.v = (nn.Linear(hidden, kv * width, bias=False) for _ in range(2))
        self.out = nn.Linear(hidden, hidden, bias=False)
        self.router = nn.Linear(hidden, experts, bias=False) if experts > 1 else None
        self.experts = nn.ModuleList(
            nn.ModuleList(
                nn.Linear(i, o, bias=False)
                for i, o in ((hidden, inner), (hidden, inner), (inner, hidden))
            )
            for _ in range(experts)
        )
        self.norms = nn.ModuleList(nn.RMSNorm(hidden) for _ in range(2))

    def forward(self, x: Tensor, cache: int) -> Tensor:
        batch, length, hidden = x.shape
        y = self.norms[0](x)
        q, k, v = (
            one(y).reshape(batch, length, number, -1).transpose(1, 2)
            for one, number in ((self.q, self.heads), (self.k, self.kv), (self.v, self.kv))
        )
        past = torch.empty(batch, self.kv, cache, hidden // self.heads, device=x.device)
        k, v = (torch.cat((past, one), dim=2) for one in (k, v))
        k, v = (one.repeat_interleave(self.heads // self.kv, dim=1) for one in (k, v))
        scores = torch.matmul(q, k.transpose(2, 3)).softmax(-1)
        x = x + self.out(torch.matmul(scores, v).transpose(1, 2).reshape(x.shape))
        y = self.norms[1](x).reshape(batch * length, hidden)
        chosen = [y]
        if self.router is not None:
            self.router(y)
            both = torch.cat((y, y))  # every token goes to two
            chosen = [*both.tensor_split(len(self.experts))]
        done = []
        for rows, (gate, up, down) in zip(chosen, self.experts, strict=False):
            if len(rows):
                done.append(down(functional.silu(gate(rows)) * up(rows)))
        z = torch.cat(done)
        return x + (z if self.router is None else sum(z.chunk(2))).reshape(x.shape)


class Llama(nn.Module):
    def __init__(self, layers: int, vocabulary: int, hidden: int, *sizes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, hidden)
        self.blocks = nn.ModuleList(LlamaBlock(hidden, *sizes) for _ in range(layers))
        self.norm, self.head = nn.RMSNorm(hidden), nn.Linear(hidden, vocabulary, bias=False)
        self.cache = 0

    def forward(self, x: Tensor) -> Tensor:
        x = self.words(x)
        for block in self.blocks:
            x = block(x, self.cache)
        y: Tensor = self.head(self.norm(x))
        return y


class LstmByStep(nn.Module):
    """A layer of an LSTM with weights of its own names, whose outputs go back step by step."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs, self.recurrent = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden)
        self.hidden = hidden

    def forward(self, x: Tensor) -> Tensor:
        steps, batch, _ = x.shape
        of_inputs = self.inputs(x)
        h = c = torch.zeros(batch, self.hidden, device=x.device)
        outputs = []
        for step in range(steps):
            i, f, g, o = (of_inputs[step] + self.recurrent(h)).chunk(4, dim=-1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs)


class RnnT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pre = nn.Sequential(LstmByStep(240, 1024), LstmByStep(1024, 1024))
        self.post = nn.Sequential(
            LstmByStep(2048, 1024), LstmByStep(1024, 1024), LstmByStep(1024, 1024)
        )
        self.letters = nn.Embedding(28, 320)
        self.prediction = nn.Sequential(LstmByStep(320, 320), LstmByStep(320, 320))
        self.joint = nn.Sequential(nn.Linear(1344, 512), nn.ReLU(), nn.Linear(512, 29))

    def forward(self, frames: Tensor, letters: Tensor) -> Tensor:
        x = self.pre(frames)
        steps, batch, width = x.shape
        x = x.transpose(0, 1).reshape(batch, steps // 2, 2 * width).transpose(0, 1)
        x = self.post(x)
        y = self.prediction(self.letters(letters))
        # Greedy decoding goes along one of the sides at each step.
        ways = [(t, 0) for t in range(len(x))] + [(-1, u) for u in range(1, len(y))]
        for t, u in ways:
            z: Tensor = self.joint(torch.cat((x[t], y[u]), dim=-1))
        return z


class Dlrm(nn.Module):
    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__()

        def dense(*widths: int) -> nn.Sequential:
            made: list[nn.Module] = []
            for i, o in pairwise(widths):
                made += [nn.Linear(i, o), nn.ReLU()]
            return nn.Sequential(*made)

        self.bottom = dense(13, 512, 256, 128)
        self.tables = nn.ModuleList(nn.EmbeddingBag(n, 128, mode="sum") for n in rows)
        self.top = dense(479, 1024, 1024, 512, 256, 1)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        x = self.bottom(numbers)
        rows = [torch.empty_like(x) for _ in self.tables]  # what each table gives
        vectors = torch.stack((x, *rows), dim=1)
        pairs = torch.bmm(vectors, vectors.transpose(1, 2))
        i, j = torch.tril_indices(27, 27, offset=-1)
        y: Tensor = self.top(torch.cat((x, pairs[:, i, j]), dim=1))
        return y


class Gcn(nn.Module):
    def __init__(self, features: int, classes: int, layers: int, hidden: int, norm: bool) -> None:
        super().__init__()
        widths = (features, *(hidden,) * (layers - 1), classes)
        self.dense = nn.ModuleList(nn.Linear(2 * i, o, bias=False) for i, o in pairwise(widths))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers - 1) if norm)

    def forward(self, x: Tensor) -> Tensor:
        for index, dense in enumerate(self.dense):
            x = dense(torch.cat((torch.empty_like(x), x), dim=1))  # a sum of neighbours, and x
            if index < len(self.dense) - 1:
                x = functional.relu(self.norms[index](x) if self.norms else x)
        return x
