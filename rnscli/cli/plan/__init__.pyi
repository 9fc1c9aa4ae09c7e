from rnscli.cli.plan.check import CheckedPlan as CheckedPlan
from rnscli.cli.plan.check import check_plan as check_plan
from rnscli.cli.plan.check import command_of as command_of
from rnscli.cli.plan.plan import PlanError as PlanError
from rnscli.cli.plan.plan import texts_of as texts_of
from rnscli.cli.plan.plan import words_of as words_of
from rnscli.cli.plan.reader import read_plan as read_plan
from rnscli.cli.plan.runs import BatchRuns as BatchRuns
