"""The schema of the report's JSON, version 1: fields are added, never changed, within a version."""

from types import MappingProxyType
from typing import Any, Final

from recon.gaps.paths import KINDS
from recon.gaps.report import LEVELS, SCHEMA

_NUMBER: Final = {"type": ["number", "null"]}
_TEXT: Final = {"type": "string"}
_LEADS: Final = {"type": "array", "items": _TEXT, "minItems": 1}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


_INTERVAL: Final = _object(
    {
        "value": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
        "level": {"type": "number"},
        "n_patients": _COUNT,
        "n_records": _COUNT,
        "warning": _TEXT,
    }
)
_PATH: Final = {"path": _TEXT, "kind": {"enum": list(KINDS)}, "leads": _LEADS}
_ROW: Final = _object(
    {
        **_PATH,
        "level": {"enum": list(LEVELS)},
        "metric": _TEXT,
        "unit": _TEXT,
        "interval": _INTERVAL,
        "best": _NUMBER,
        "floor": _NUMBER,
        "chance": _NUMBER,
    }
)
_RECOVERY: Final = _object(
    {
        **_PATH,
        "space": {"enum": ["teacher", "judge"]},
        "probe": {"enum": ["transfer", "refit"]},
        "label": _TEXT,
        "n_positive": _COUNT,
        "auroc": _INTERVAL,
        "ceiling": _NUMBER,
        "floor": _NUMBER,
        "ratio": _INTERVAL,
    }
)
_SPLIT: Final = _object(
    {
        "leads": _LEADS,
        "reconstruction": _TEXT,
        "posterior": _TEXT,
        "best": _TEXT,
        **dict.fromkeys(("total", "irreducible", "smoothing", "remainder"), _INTERVAL),
    }
)
_FAILURE: Final = _object({"path": _TEXT, "leads": _LEADS, "record": _TEXT, "reason": _TEXT})

JSON_SCHEMA: Final = MappingProxyType(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "einthoven gap report",
        **_object(
            {
                "schema": {"const": SCHEMA},
                "levels": {"type": "object", "additionalProperties": _TEXT},
                "rows": {"type": "array", "items": _ROW},
                "recoveries": {"type": "array", "items": _RECOVERY},
                "splits": {"type": "array", "items": _SPLIT},
                "failures": {"type": "array", "items": _FAILURE},
                "cards": {"type": "object", "additionalProperties": {"type": "object"}},
                "warnings": {"type": "array", "items": _TEXT},
            }
        ),
    }
)
"""A JSON Schema (draft 2020-12) of what `GapReport.to_json` writes."""
