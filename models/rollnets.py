"""The nets of the roll vocabulary by name: one table, for training, export and evaluation."""

from . import conv, lstm

KINDS = {"conv1d": conv.Conv1d, "wavenet": conv.Wavenet, "lstm": lstm.Lstm}


def name_of(net):
    """The name of a net's kind: "lstm" of an Lstm."""
    return next(name for name, kind in KINDS.items() if isinstance(net, kind))
