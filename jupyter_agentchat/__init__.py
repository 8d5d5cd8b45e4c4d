"""One conversation for agents in notebook cells and the humans who supervise them."""

__version__ = "0.1.0"
