"""The registered models of ADCs, and the constants of all hardware.

A new model is a class in a file of its own and a name here: its options follow from its constants.
Other packages add theirs as entry points of the group ``rnscli.adc_models``, which name a class.
"""

from rnscli.base import RegistrationError, Registry
from rnscli.hardware.adc import AdcModel
from rnscli.hardware.adc.surveyed import MurmannAdc, SchreierAdc, SurveyAdc, WaldenAdc
from rnscli.hardware.adc.table import TableAdc
from rnscli.hardware.constants import Constant
from rnscli.hardware.dac import CapacitiveDac
from rnscli.hardware.technology import NUMBERS

ADC_MODELS: Registry[type[AdcModel]] = Registry(
    "adc_model",
    "adc_models",
    AdcModel,
    [MurmannAdc, WaldenAdc, SchreierAdc, SurveyAdc, TableAdc],
)


def _constants() -> dict[str, Constant]:
    others = {**CapacitiveDac.constants, **NUMBERS}
    for model in ADC_MODELS.values():
        for name in model.constants:
            if name in others:
                raise RegistrationError(
                    f"`adc_model` {model.name} has a constant {name}, as other hardware has"
                )
            if not hasattr(model, name):
                raise RegistrationError(
                    f"`adc_model` {model.name} has a constant {name} without a default"
                )
    return ADC_MODELS.constants() | others


# Every constant of a model, of DACs or of a technology, by its name.
CONSTANTS = _constants()
