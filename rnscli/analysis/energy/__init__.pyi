from rnscli.analysis.energy.parameters import EnergyOptions as EnergyOptions
from rnscli.analysis.energy.parameters import EnergyParameters as EnergyParameters
