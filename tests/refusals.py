"""What the tests of refusals share."""

from rnscli.base.errors import InputError


def assert_one_sentence(error: InputError, names: str) -> None:
    """It names the file or array, and fits a line of a terminal's scroll-back."""
    message = str(error)
    assert names in message
    assert "\n" not in message
    assert 20 < len(message) < 400
    assert not message.endswith(".")
