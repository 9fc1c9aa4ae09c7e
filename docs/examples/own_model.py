# %% [markdown]
# # A model of your own on a core
# `rnscli.torch.convert` gives a copy of a PyTorch model whose matrix products are computed in a
# core. Here `rns` has residues of b bits, and `fixed-lp` one array with an ADC of b bits, whose
# range is the full one, or calibrated on samples to train with.

# %%
from classifier import accuracy, trained, x_test, x_train

import rnscli
import rnscli.torch

model = trained()
print(f"FP32: {accuracy(model):.1%}")

# %%
CORES = {
    "rns": {},
    "fixed-lp, full range": {"adc_range": "full"},
    "fixed-lp, calibrated": {"adc_range": "calibrated"},
}
for bits in (4, 6, 8):
    for name, options in CORES.items():
        core = rnscli.analog_core(name.partition(",")[0], bits=bits, vector_size=128, **options)
        analog = rnscli.torch.convert(model, core)
        if "calibrated" in name:
            rnscli.torch.calibrate(analog, [x_train[:256]])
        # How far the logits are from FP32 says more than how many classes are right.
        snr = rnscli.torch.agreement(model, analog, [x_test]).outputs.snr_db
        print(f"b = {bits}, {name}: {accuracy(analog):.1%}, logits {snr:.1f} dB from FP32")

# %% [markdown]
# `fixed-lp` with the full range is what residues are often compared with. It is far off at 6 bits
# only because its ADC spends its codes on sums that never occur: calibrated, it does as well as
# residues by its classes, and its logits are some dB behind.
