"""An installed Caffe, asked what it makes of a net, and compared with what is found here."""
