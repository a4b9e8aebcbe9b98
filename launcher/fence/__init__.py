"""What Rasa may reach. Standard library alone: it runs in a process of its own, just before Rasa does."""
