"""The registered models of ADCs, and the constants of all hardware.

A new model is a class in a file of its own and a name here: its options follow from its constants.
Other packages add theirs as entry points of the group ``rnscli.adc_models``, which name a class.
"""

from rnscli.base import Registry
from rnscli.hardware.adc import AdcModel
from rnscli.hardware.adc.surveyed import MurmannAdc, SchreierAdc, SurveyAdc, WaldenAdc
from rnscli.hardware.adc.table import TableAdc
from rnscli.hardware.constants import KNOWN, Constant
from rnscli.hardware.dac import CapacitiveDac

ADC_MODELS: Registry[type[AdcModel]] = Registry(
    "adc_model",
    "adc_models",
    AdcModel,
    [MurmannAdc, WaldenAdc, SchreierAdc, SurveyAdc, TableAdc],
)


_OTHERS = {**CapacitiveDac.constants, **KNOWN}
# Every constant of a model, of DACs or of a technology, by its name.
CONSTANTS: dict[str, Constant] = ADC_MODELS.constants(_OTHERS) | _OTHERS
