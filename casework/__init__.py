"""The service itself: plain rules in `model`, one use case a module in `services`, the outside world in `adapters`."""
