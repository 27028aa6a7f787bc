"""Statements: one vocabulary of diagnoses for what data sets and the simulator say of a recording."""

import re
from collections.abc import Iterable
from typing import Final

from ecgsynth.diseases import DISEASES
from ecgsynth.patients import OTHER_NAMES
from ecgsynth.rhythm import RHYTHMS

_EXTRA: Final = {
    "LAD": "left axis deviation",
    "RAD": "right axis deviation",
    "LAO/LAE": "left atrial enlargement",
    "RAO/RAE": "right atrial enlargement",
    "NST_": "non-specific ST changes",
    "NT_": "non-specific T wave changes",
    "INVT": "inverted T waves",
    "QWAVE": "Q waves",
    "IVCD": "intraventricular conduction delay",
    "ILBBB": "incomplete left bundle branch block",
    "LVOLT": "low QRS voltages",
    "STD_": "ST depression",
    "STE_": "ST elevation",
    "ISC_": "ischaemia",
}
NAMES: Final = (
    {code: row.name for code, row in DISEASES.items()}
    | {row.statement or code: row.name for code, row in RHYTHMS.items()}
    | _EXTRA
)
"""Statement -> its name in words; SCP's statements, or short forms in that manner."""
VOCABULARY: Final = tuple(NAMES)

_SNOMED: Final = {
    "426783006": "SR", "164889003": "AFIB", "164890007": "AFLT", "426177001": "SBRAD",
    "426627000": "SBRAD", "427084000": "STACH", "427393009": "SARRH", "284470004": "PAC",
    "63593006": "PAC", "427172004": "PVC", "17338001": "PVC", "164884008": "PVC", "10370003": "PACE",
    "733534002": "CLBBB", "164909002": "CLBBB", "713427006": "CRBBB", "59118001": "CRBBB",
    "713426002": "IRBBB", "270492004": "1AVB", "164947007": "1AVB", "445118002": "LAFB",
    "39732003": "LAD", "47665007": "RAD", "251146004": "LVOLT", "698252002": "IVCD",
    "111975006": "LNGQT", "164917005": "QWAVE", "164934002": "NT_", "59931005": "INVT",
    "429622005": "STD_", "164931005": "STE_", "428750005": "NST_", "164930006": "NST_",
    "164873001": "LVH", "164865005": "IMI", "425856008": "VTACH",
}  # fmt: skip
"""SNOMED CT codes of the PhysioNet/CinC Challenges."""
_PHRASES: Final = (
    (r"^sinus rhythm", "SR"), (r"sinus bradycardia", "SBRAD"), (r"sinus tachycardia", "STACH"),
    (r"sinus arrhythmia|irregular sinus", "SARRH"), (r"atrial fibrillation", "AFIB"),
    (r"atrial flutter", "AFLT"), (r"atrial extrasystole", "PAC"),
    (r"ventricular extrasystole", "PVC"), (r"pacing|pacemaker presence", "PACE"),
    (r"\biii degree", "3AVB"), (r"(?<!i)\bi degree", "1AVB"),
    (r"incomplete right bundle", "IRBBB"), (r"complete right bundle", "CRBBB"),
    (r"incomplete left bundle", "ILBBB"), (r"complete left bundle", "CLBBB"),
    (r"left anterior hemiblock", "LAFB"), (r"intraven?tricular|intravintricular", "IVCD"),
    (r"left ventricular (hyper|over)", "LVH"), (r"right ventricular (hyper|over)", "RVH"),
    (r"left atrial (hyper|over)", "LAO/LAE"), (r"right atrial (hyper|over)", "RAO/RAE"),
    (r"left axis deviation", "LAD"), (r"right axis deviation", "RAD"),
    (r"early repolarization", "ERP"), (r"non-specific repolarization", "NST_"),
    (r"stemi.*anterior", "AMI"), (r"stemi.*septal", "ASMI"), (r"stemi.*lateral", "LMI"),
    (r"stemi.*inferior", "IMI"), (r"stemi", "STE_"), (r"scar", "QWAVE"), (r"ischemia", "ISC_"),
)  # fmt: skip
"""What LUDB's phrases mean; the first that fits."""


def canonical(labels: Iterable[str]) -> tuple[str, ...]:
    """The statements among `labels`: SCP statements, SNOMED CT codes, or phrases.

    Parameters
    ----------
    labels : as a data set gives them; those without a statement are left out.

    Returns
    -------
    Statements of `VOCABULARY`, each once, in the order of `labels`.

    Examples
    --------
    >>> canonical(["Sinus rhythm", "59118001", "LBBB", "something else"])
    ('SR', 'CRBBB', 'CLBBB')
    """
    found = (_one(str(label)) for label in labels)
    return tuple(dict.fromkeys(code for code in found if code))


def _one(label: str) -> str | None:
    text = label.strip()
    code = OTHER_NAMES.get(text.upper(), text.upper())
    if code in NAMES:
        return code
    if text in _SNOMED:
        return _SNOMED[text]
    return next((code for words, code in _PHRASES if re.search(words, text.lower())), None)


def unified(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label as its statement, or as it is if it has none; so that data sets can be compared.

    Examples
    --------
    >>> unified(["Sinus rhythm", "59118001", "Sinus rhythm", "something else"])
    ('SR', 'CRBBB', 'something else')
    """
    return tuple(dict.fromkeys(_one(str(label)) or str(label) for label in labels))


def in_words(statements: Iterable[str]) -> str:
    """Statements as text, for a text embedding.

    Examples
    --------
    >>> in_words(["AMI", "SR"])
    'anterior myocardial infarction, sinus rhythm'
    """
    return ", ".join(NAMES[code] for code in statements)
