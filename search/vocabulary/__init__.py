"""Words of the field: synonyms, and which of the dictionary's synonym groups are too wide."""
