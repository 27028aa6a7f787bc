"""Masks: who may attend to whom, as booleans, from what the tokens are and not from where they lie.

True lets a query (row) attend to a key (column). Because a mask depends on each token's own kind, lead
and event only, tokens may come in any order, with any leads and any number of beats.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

PADDING: Final = 0
SUMMARY: Final = 1
SEEN: Final = 2
HIDDEN: Final = 3
"""Kinds of token: nothing; what stands for a lead; a word; a word to be guessed."""


def everyone(present: Tensor) -> Tensor:
    """Each token sees all words that are there, and nothing sees padding.

    In a recording without any word all see all, so that no row is empty.

    Parameters
    ----------
    present : (B, T) bool.

    Returns
    -------
    (B, 1, T) bool, the same for every query.

    Examples
    --------
    >>> everyone(torch.tensor([[True, True, False], [False, False, False]])).int().tolist()
    [[[1, 1, 0]], [[1, 1, 1]]]
    """
    return (present | ~present.any(1, keepdim=True))[:, None]


def conduction(kind: Tensor, lead: Tensor, event: Tensor) -> Tensor:
    """The sparse attention of CLEAR (arXiv 2512.24002): one conduction event, seen from many leads.

    A summary sees itself and the words of its lead. A word sees the words. A hidden word sees the
    words of the same event in other leads, and the summary of its own lead. Padding sees itself.

    Parameters
    ----------
    kind : (B, T), one of PADDING, SUMMARY, SEEN, HIDDEN.
    lead, event : (B, T) int; the event of a summary does not matter.

    Returns
    -------
    (B, T, T) bool.

    Examples
    --------
    >>> kind = torch.tensor([[SUMMARY, SUMMARY, SEEN, SEEN, HIDDEN]])
    >>> lead, event = torch.tensor([[1, 2, 1, 1, 2]]), torch.tensor([[0, 0, 7, 8, 8]])
    >>> conduction(kind, lead, event).int().tolist()[0]
    [[1, 0, 1, 1, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0], [0, 1, 0, 1, 0]]
    """
    query, key = kind[:, :, None], kind[:, None, :]
    same_lead = lead[:, :, None] == lead[:, None, :]
    same_event = event[:, :, None] == event[:, None, :]
    of_lead = (query == SUMMARY) & (key == SEEN) & same_lead
    of_word = (query == SEEN) & (key == SEEN)
    of_event = (query == HIDDEN) & (key == SEEN) & same_event & ~same_lead
    of_summary = (query == HIDDEN) & (key == SUMMARY) & same_lead
    itself = torch.eye(kind.shape[1], dtype=torch.bool, device=kind.device)
    return of_lead | of_word | of_event | of_summary | (itself & (query <= SUMMARY))
