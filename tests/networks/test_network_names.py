import subprocess
import sys

import pytest
from refusals import assert_one_sentence

from rnscli.base.errors import InputError
from rnscli.networks.models.shipped import _NETWORKS, shipped
from rnscli.networks.names import SHIPPED


def test_every_name_is_a_network_and_every_network_has_a_name() -> None:
    assert list(SHIPPED) == list(_NETWORKS)
    for description in SHIPPED.values():
        assert 10 < len(description) < 90
        assert "\n" not in description


def test_names_and_recipes_need_no_torch() -> None:
    code = (
        "import sys; import rnscli.networks.names, rnscli.networks.recipe\n"
        "print({'torch', 'numpy', 'sklearn'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "set()\n")


def test_another_name() -> None:
    with pytest.raises(InputError, match="digits-cnn, digits-resnet") as caught:
        shipped("lenet")
    assert_one_sentence(caught.value, "`model` is lenet")
