"""Likelihood of frames: what the nets of the roll vocabulary are trained and judged by.

Owns the meaning of the 384 logits. Knows no network.
"""

from torch.nn import functional
import torch

from . import roll

PITCHES = roll.PITCHES


def loss_terms(logits, target, sounding, known=None):
    """Sums of negative log-likelihood, in nats, and what they are sums over.

    logits [...,384]; target [...,256]: the next frame's x; sounding [...,128]:
    the current frame's sounding plane as the net saw it; known [...,128]: 0 for
    pitches that are not to be learnt from (default: all are).
    Returns (onset, sustain, squared velocity error, number of onsets), all
    scalar tensors. A frame's exact likelihood is onset + sustain: an onset
    decides the pitch, and only where there is none and the pitch was sounding
    does the sustain logit speak.
    """
    sustain, onset, velocity = logits.split(PITCHES, -1)
    struck = target[..., PITCHES:]
    new = (struck > 0).float()
    goes_on = target[..., :PITCHES]
    onset_sum = functional.binary_cross_entropy_with_logits(onset, new, weight=known, reduction="sum")
    decided = sounding * (1.0 - new)
    if known is not None:
        decided = decided * known
    sustain_sum = functional.binary_cross_entropy_with_logits(sustain, goes_on, weight=decided, reduction="sum")
    wanted = (struck - 0.5) * 2.0  # velocity / 127
    square = ((torch.sigmoid(velocity) - wanted) ** 2 * new).sum()
    return onset_sum, sustain_sum, square, new.sum()
