"""From rows to tables, documents, schemas and requirements."""

from rnscli._facade import facade

__getattr__, __dir__ = facade(__name__, __file__)
