"""Trainers of the objectives, their arguments and callbacks."""
