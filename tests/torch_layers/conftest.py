from importlib.util import find_spec

# No example is in here; and without PyTorch there is nothing to test.
collect_ignore = ["conftest.py"]
collect_ignore_glob = [] if find_spec("torch") else ["*.py"]
