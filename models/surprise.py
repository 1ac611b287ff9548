"""Surprise: how well a net expects human music, in nats.

Owns the likelihood figures of the report: nats per note of the transformer and nats per frame of
the roll nets on validation music, each beside the *floor*: a net that knows only how often each
value occurs in train, and nothing of what came before.
"""

import numpy as np
import torch

from . import notes, passages, train, train_transformer

LENGTH = 1024  # notes of a validation row


def _floor_of_notes(pieces, chunk):
    """Nats per note [4] of unconditional histograms of train, on a chunk of passages.batch()."""
    counts = [np.full(size, 0.5) for size in notes.SIZES]
    for piece in passages.levelled(pieces):
        found, _ = notes.from_notes(passages.close_gaps(piece.notes))
        for field, count in enumerate(counts):
            some = found[1:, field] if field == 0 else found[:, field]
            if field < 3 or not piece.flat:
                count += np.bincount(some, minlength=len(count))
    out = []
    for field, count in enumerate(counts):
        nats = -np.log(count / count.sum())[chunk["target"][..., field]]
        known = chunk["known"][..., field]
        out.append(float((nats * known).sum() / max(known.sum(), 1.0)))
    return out


def of_notes(net, names, train_pieces, pieces):
    """Figures of a Transformer: {unit, all, bach, chopin, delta, pitch, duration, velocity, floor,
    floor_fields, order, ordered, rows}.

    order: nats per note that it would take to tell the order of the notes within a tick, which
    the vocabulary does not have to; ordered: with them, to compare with nets that tell it."""
    length = LENGTH
    while True:  # a test set may be of short pieces
        try:
            validation = train_transformer.Validation(pieces, names, length)
            break
        except ValueError:
            length //= 2
            if length < 64:
                raise
    figures = validation.measure(net, torch.float32)
    net.eval()
    floor = _floor_of_notes(train_pieces, passages.batch(validation.rows))
    return {
        "unit": "note", **figures, "floor": sum(floor), "floor_fields": dict(zip(notes.FIELDS, floor)),
        "order": validation.order, "ordered": figures["all"] + validation.order, "rows": len(validation.rows),
        "length": length,
    }


def of_frames(net, names, train_pieces, pieces):
    """Figures of a roll net as its file plays, its composer's habits folded in, told nothing
    else: {unit, all, bach, chopin, floor, floor_bach, floor_chopin, rows}."""
    validation = train.Validation(pieces, names)
    figures, _ = validation.measure(net, torch.float32, told=False)
    floor = validation.floor(train_pieces)
    net.eval()
    return {"unit": "frame", **figures, "floor": floor["all"],
            **{f"floor_{name}": value for name, value in floor.items() if name != "all"}, "rows": len(validation.names)}
