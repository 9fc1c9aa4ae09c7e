#!/bin/sh
# Checks a plan wherever a shell runs, as in a cron job or a hook of git:
#
#     sh gate.sh [PLAN.toml]
#
# Exit code 0 if every requirement holds, 1 if one does not, 2 if the plan is wrong or has no
# answer. Results of runs that have not changed are kept from one time to the next.
plan=${1:-plan.toml}
results=${plan%.toml}-results

rnscli batch "$plan" --output "$results" --junit "$results.xml" --resume --quiet
code=$?

case $code in
    0) echo "all requirements of $plan hold" ;;
    1) echo "a requirement of $plan does not hold; see $results/summary.md" >&2 ;;
    *) echo "$plan is wrong, or has no answer somewhere" >&2 ;;
esac
exit $code
