"""The compiled solver's inside: eight scenarios through the dual Newton method at once."""
