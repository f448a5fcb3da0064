"""The version of linnet."""

VERSION = "0.1.0"
