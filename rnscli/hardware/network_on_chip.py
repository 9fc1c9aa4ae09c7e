"""The way from one place of a chip to another: wires and routers."""

from dataclasses import dataclass

from rnscli.hardware.operations import area_scale


@dataclass(frozen=True)
class NetworkOnChip:
    """A mesh of wires and routers.

    A bit that travels costs the charge of its wire, C V^2 for each metre, and a router. Energies of
    routers are taken in proportion to the node, areas as those of logic; a wire is as long and as
    wide at any node.

    Parameters
    ----------
    wire_energy
        Energy in J of a bit over a metre.
    router_energy
        Energy in J of a bit through a router, at ``node``.
    router_size
        Area in m^2 of a router's share for one array, at ``node``.
    node
        Node in m of the router.
    source
        Where these are from.

    Examples
    --------
    >>> f"{NETWORK_ON_CHIP.energy(8, 5e-3, 14e-9) * 1e12:.2f} pJ"
    '5.69 pJ'
    """

    wire_energy: float
    router_energy: float
    router_size: float
    node: float
    source: str

    def energy(self, bits: float, distance: float, node: float) -> float:
        """Energy in J of bits over a distance in m, through one router."""
        router = self.router_energy * node / self.node
        return bits * (self.wire_energy * distance + router)

    def router_area(self, node: float) -> float:
        """Area in m^2 of a router at a node in m."""
        return self.router_size * area_scale(node) / area_scale(self.node)


NETWORK_ON_CHIP = NetworkOnChip(
    wire_energy=200e-12 * 0.8**2,
    # 42 mW for 8 ports of 32 bits at 1 GHz; one of 0.151 mm^2 for four tiles of 96 arrays.
    router_energy=42e-3 / (8 * 32 * 1e9),
    router_size=0.151e-6 / (4 * 96),
    node=32e-9,
    source="wires: Marinella et al., table I, 200 aF/um charged to 0.8 V, 128 fJ for a bit and mm "
    "(Park et al., DATE 2013, have 40.4 at low swing); routers: Shafiee et al., ISAAC, ISCA 2016, "
    "table I, a share for each array",
)
