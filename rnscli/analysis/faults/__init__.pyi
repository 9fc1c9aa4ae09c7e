from rnscli.analysis.faults.fault_probability import FaultParameters as FaultParameters
from rnscli.analysis.faults.retries import Retries as Retries
from rnscli.analysis.faults.retries import StaticErrors as StaticErrors
from rnscli.analysis.faults.retries import after_attempts as after_attempts
from rnscli.analysis.faults.retries import independent as independent
from rnscli.analysis.faults.solving import LevelParameters as LevelParameters
from rnscli.analysis.faults.solving import most_noise as most_noise
from rnscli.analysis.faults.undetected import MAX_RANGE as MAX_RANGE
