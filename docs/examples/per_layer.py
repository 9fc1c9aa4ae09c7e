# %% [markdown]
# # A core for each layer, and what each loses
# `convert` takes a mapping from names or patterns of layers to cores, or a function of name and
# module; the first pattern that fits decides. The same in a file is [layers.toml](layers.toml):
# `rnscli accuracy --model digits-cnn --layers docs/examples/layers.toml --per-layer`.

# %%
from classifier import trained, x_test

import rnscli
import rnscli.torch

model = trained()
fine = rnscli.analog_core("rns", bits=8)
coarse = rnscli.analog_core("rns", bits=4)
CHOICES = {
    "4 bits": coarse,
    "8 bits": fine,
    "8 bits in the first and the last": {"conv1": fine, "head": fine, "*": coarse},
    "4 bits in the first and the last": lambda name, module: fine if name == "conv2" else coarse,
}

# %% In place each layer gets the input that it has in FP32; accumulated is the network as it runs.
found = {}
for name, cores in CHOICES.items():
    found[name] = rnscli.torch.agreement(model, rnscli.torch.convert(model, cores), [x_test])
    layers = found[name].layers
    print(name)
    for one in layers:
        place, run = one.in_place.snr_db, one.accumulated.snr_db
        share = found[name].macs_share(one)
        print(f"  {one.name:7} {share:5.1%} of MACs {place:5.1f} dB in place {run:5.1f} dB")
    print(f"  logits {found[name].outputs.snr_db:.1f} dB, same class {found[name].top_class:.1%}")

# %%
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("no picture: pip install matplotlib")
else:
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for name, one in found.items():
        decibels = [layer.accumulated.snr_db for layer in one.layers]
        axes.plot([layer.name for layer in one.layers], decibels, "o-", label=name)
    axes.set_ylabel("SNR, accumulated (dB)")
    axes.legend()
    figure.savefig("per_layer.svg")
    print("per_layer.svg")
