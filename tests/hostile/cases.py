"""All hostile inputs and scenes: what is made of each, and what netcompile says to it."""

from cases_calls import CALL_CASES, FILE_CASES
from cases_expansion import EXPANSION_CASES, IMPORT_CASES
from cases_more import COMMAND_CASES, HUGE_CASES
from cases_prototxt import PROTOTXT_CASES
from cases_values import VALUE_CASES
from cases_yaml import YAML_CASES
from scenes import SCENES

CASES = [
    *YAML_CASES,
    *VALUE_CASES,
    *EXPANSION_CASES,
    *IMPORT_CASES,
    *PROTOTXT_CASES,
    *FILE_CASES,
    *CALL_CASES,
    *HUGE_CASES,
    *COMMAND_CASES,
]
EVERYTHING = [*CASES, *SCENES]
