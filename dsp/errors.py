"""The errors einthoven raises: one family, so that one ``except`` clause catches every bad input."""


class ECGError(ValueError):
    """Something about an ECG is wrong; the message says what came, where, and what to do."""


class ReadError(ECGError):
    """A file cannot be read: missing, truncated, corrupt, of an unknown format, or needing an extra."""


class WriteError(ECGError):
    """A file cannot be written: unknown suffix, an unwritable folder, a value the format cannot hold."""


class LeadError(ECGError):
    """A lead is unknown, doubled, missing, or contradicts the others."""


class UnitError(ECGError):
    """Amplitudes cannot be millivolt, or a unit is not one of V, mV, uV, nV."""


class LengthError(ECGError):
    """Too short, empty, or of the wrong number of axes."""


class RateError(ECGError):
    """A sampling rate that no ECG has."""


class SignalError(ECGError):
    """The numbers themselves are unusable: not numeric, infinite, or nothing but gaps."""
