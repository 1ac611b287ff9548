"""Training, export and evaluation of Fermata's nets (see README.md)."""
