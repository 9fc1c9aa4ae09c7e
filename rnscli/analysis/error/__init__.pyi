from rnscli.analysis.error.dot_error import dot_errors as dot_errors
from rnscli.analysis.error.operands import DISTRIBUTIONS as DISTRIBUTIONS
from rnscli.analysis.error.parameters import DotErrorParameters as DotErrorParameters
from rnscli.analysis.error.statistics import ErrorStatistics as ErrorStatistics
