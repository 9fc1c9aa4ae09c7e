from rnscli.networks.recipe import Recipe
from rnscli.networks.shipped import ShippedNetwork

NETWORK = ShippedNetwork(
    "made-up-network", "one linear layer", ("made_up.linear",), Recipe(epochs=1)
)
