from rnscli.networks.shipped import Recipe, ShippedNetwork

NETWORK = ShippedNetwork(
    "made-up-network", "one linear layer", ("made_up.linear",), Recipe(epochs=1)
)
