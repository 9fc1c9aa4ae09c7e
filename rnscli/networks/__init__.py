"""Real networks in full precision: models, labelled data, training, and trained weights.

What an analog accelerator is compared with, and what is converted to run on one. Needs the extra
``rnscli[torch]``, except for `rnscli.networks.shipped`.
"""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)
