"""Rasa custom actions: they read through casework and declare what should happen; they never act."""
