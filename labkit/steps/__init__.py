"""Steps that choose: from a history to what the next request sends of it."""
