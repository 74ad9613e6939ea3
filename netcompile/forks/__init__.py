"""Other Caffes than ours: their messages, their layer types, and their nets as our rules read them."""
