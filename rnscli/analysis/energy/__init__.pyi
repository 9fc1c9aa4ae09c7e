from rnscli.analysis.energy.energy_design import NOT_COUNTED as NOT_COUNTED
from rnscli.analysis.energy.energy_design import OWN_ADC as OWN_ADC
from rnscli.analysis.energy.energy_design import Timing as Timing
from rnscli.analysis.energy.parameters import EnergyOptions as EnergyOptions
from rnscli.analysis.energy.parameters import EnergyParameters as EnergyParameters
from rnscli.analysis.energy.parameters import check_runs as check_runs
from rnscli.analysis.energy.parameters import runs_on as runs_on
from rnscli.analysis.energy.pass_attempts import attempts_of_pass as attempts_of_pass
