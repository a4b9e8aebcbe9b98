"""How well both layers do on held-out messages: figures, slices, what must hold, band limits, a report.

Everything here takes the model's answers as values, so none of it needs Rasa.
"""
