"""The registered models of ADCs, and the constants of all hardware.

A new model is a class in a file of its own and a line here: its options follow from its constants.
"""

from rnscli.hardware.adc.model import AdcModel
from rnscli.hardware.adc.murmann import MurmannAdc
from rnscli.hardware.adc.schreier import SchreierAdc
from rnscli.hardware.adc.survey import SurveyAdc
from rnscli.hardware.adc.walden import WaldenAdc
from rnscli.hardware.constants import Constant
from rnscli.hardware.dac import CapacitiveDac
from rnscli.hardware.technology import NUMBERS

ADC_MODELS: dict[str, type[AdcModel]] = {
    model.name: model for model in (MurmannAdc, WaldenAdc, SchreierAdc, SurveyAdc)
}

# Every constant of a model, of DACs or of a technology, by its name.
CONSTANTS: dict[str, Constant] = {
    **{name: one for model in ADC_MODELS.values() for name, one in model.constants.items()},
    **CapacitiveDac.constants,
    **NUMBERS,
}
