"""What a study returns: tables with units, metrics, certificate, manifest."""
