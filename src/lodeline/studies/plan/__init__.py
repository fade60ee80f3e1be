"""An action plan: which measures, when, paid by whom, against hundreds of futures."""
