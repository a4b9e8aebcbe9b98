"""The outside world behind the ports: storage, the assistant, providers, the clock."""
