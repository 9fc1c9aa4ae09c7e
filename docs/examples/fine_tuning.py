# %% [markdown]
# # Fine-tuning with the noise of a core
# A converted model is trained like any other: the loop is the one that trained it in FP32. The
# forward pass is that of the core: weights of 2 bits, -1, 0 and 1 with a scale for each column, and
# an ADC with noise. Gradients are computed in FP32, as for a network that only runs there later.

# %%
import copy

import torch
from classifier import accuracy, train, trained, x_train

import rnscli
import rnscli.torch

model = trained()
core = rnscli.analog_core("fixed-lp", bits=6, weight_bits=2, adc_range="calibrated", sigma=2)


def on_core(weights: torch.nn.Module) -> torch.nn.Module:
    """A copy on the core, with ranges of its own; noise of 2 steps of a 6-bit ADC."""
    gradients = {"input_gradient": "fp32", "weight_gradient": "fp32"}
    found = rnscli.torch.convert(weights, core, **gradients)
    rnscli.torch.calibrate(found, [x_train[:256]])
    return found


def report(name: str, weights: torch.nn.Module) -> None:
    torch.manual_seed(1)  # the same noise for each
    found = accuracy(on_core(weights), times=2)
    print(f"{name}: {accuracy(weights):.1%} in FP32, {found:.1%} on the core")


report("trained in FP32", model)

# %% As many epochs more in FP32 are what the others have to be compared with.
longer = copy.deepcopy(model)
torch.manual_seed(2)
train(longer, epochs=6)
report("6 more epochs in FP32", longer)

# %%
analog = on_core(model)
torch.manual_seed(2)
train(analog, epochs=6)
report("6 more epochs on the core", rnscli.torch.to_digital(analog))
