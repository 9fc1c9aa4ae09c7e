from rnscli.report.plots.figure import COLOURS as COLOURS
from rnscli.report.plots.figure import Look as Look
