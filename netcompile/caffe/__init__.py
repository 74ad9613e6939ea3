"""Caffe's messages: the schema with its documentation, and message classes made from it.

Knows protobuf alone: nothing of specs, layer rules or findings.
"""
