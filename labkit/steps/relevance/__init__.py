"""Keep the messages that the current message asks about."""
