from rnscli.analysis.energy.bill import Timing as Timing
from rnscli.analysis.energy.bill import area_of as area_of
from rnscli.analysis.energy.bill import energies_of as energies_of
from rnscli.analysis.energy.bill import timing_of as timing_of
from rnscli.analysis.energy.parameters import EnergyParameters as EnergyParameters
from rnscli.analysis.energy.rows import WorkloadRow as WorkloadRow
from rnscli.analysis.energy.workload import workload_energy as workload_energy
