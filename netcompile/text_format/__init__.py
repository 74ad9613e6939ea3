"""What `prototxt` is made of: protobuf's text format, read with the place of every field."""
