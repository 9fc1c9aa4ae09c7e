from pathlib import Path

from rnscli.hardware.profile import Profile

PROFILE = Profile(Path(__file__).with_name("made-up-array.toml"))
