# %% [markdown]
# # A model of Hugging Face on a core
# Any model of `transformers` is converted as it is. This one is a small Llama with random weights,
# so that nothing is downloaded: what is shown is what of it is on the core and how far each product
# is from FP32, no accuracy. With weights of yours: `LlamaForCausalLM.from_pretrained("./folder")`,
# or `rnscli accuracy --hf ./folder --data text.npz --metric perplexity,snr`.

# %%
import sys

import torch

import rnscli
import rnscli.torch

try:
    from transformers import LlamaConfig, LlamaForCausalLM
except ImportError:
    print("skipped: pip install transformers")
    sys.exit()

torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=200, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2,
)  # fmt: skip
model = LlamaForCausalLM(config).eval()
tokens = torch.randint(0, 200, (4, 32))

# %% Products of functions count, too: attention has two, and rotary angles are a matmul of
# positions with frequencies. What should stay digital is left out: `exclude=["*.rotary_emb"]`.
for bits in (4, 6, 8):
    core = rnscli.analog_core("rns", bits=bits, vector_size=64)
    analog = rnscli.torch.convert(model, core)
    with rnscli.torch.recording() as made, torch.no_grad():
        analog(tokens)
    found = rnscli.torch.agreement(model, analog, [{"input_ids": tokens}])
    worst = min(found.layers, key=lambda one: one.in_place.snr_db)
    print(f"b = {bits}: {made.counts.products} products, digital: {sorted(made.unmapped)}")
    print(f"  logits {found.outputs.snr_db:.1f} dB, same token {found.top_class:.0%}")
    print(f"  worst in place: {worst.name}, {worst.in_place.snr_db:.1f} dB")
