import subprocess
import sys

import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.networks.shipped import NETWORKS


def test_every_network_has_a_line() -> None:
    for name, network in NETWORKS.items():
        assert network.name == name
        assert 10 < len(network.summary) < 90
        assert "\n" not in network.summary


def test_names_and_recipes_need_no_torch() -> None:
    code = (
        "import sys; import rnscli.networks.shipped\n"
        "print({'torch', 'numpy', 'sklearn'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "set()\n")


def test_another_name() -> None:
    with pytest.raises(InputError, match="digits-cnn, digits-resnet") as caught:
        NETWORKS.named("lenet")
    assert_one_sentence(caught.value, "`model` is lenet")
