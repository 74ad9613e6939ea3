"""What `infer` is made of: learned blobs on the way, and for what is refused its cause and what would fit."""
