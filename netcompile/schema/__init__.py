"""The JSON Schema of specs: made of the messages and the table of layer types, and kept in a file."""
