from rnscli.analysis.error.dot_error import DotErrorParameters as DotErrorParameters
from rnscli.analysis.error.dot_error import dot_errors as dot_errors
from rnscli.analysis.error.error_statistics import ErrorStatistics as ErrorStatistics
from rnscli.analysis.error.operands import DISTRIBUTIONS as DISTRIBUTIONS
