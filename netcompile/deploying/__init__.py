"""What the deploy net is made of: its section, the losses that become outputs, layers for inference, and weights."""
