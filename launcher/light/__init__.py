"""What stands in for libraries that the Rasa that answers does not need, by the name each is imported under."""
