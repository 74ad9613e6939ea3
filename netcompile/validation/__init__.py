"""What `validate` is made of: which nodes the schema accepts, and words and repair for those that it refuses."""
