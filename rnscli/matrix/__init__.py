"""Matrix products on an analog core: tiles, scales, channels, accumulation."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)
