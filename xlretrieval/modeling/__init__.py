"""Configuration, models and conversion of encoders."""
