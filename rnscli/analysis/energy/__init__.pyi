from rnscli.analysis.energy.parameters import EnergyOptions as EnergyOptions
from rnscli.analysis.energy.parameters import EnergyParameters as EnergyParameters
from rnscli.analysis.energy.rows import WorkloadRow as WorkloadRow
from rnscli.analysis.energy.workload import workload_energy as workload_energy
