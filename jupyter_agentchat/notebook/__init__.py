"""Everything that displays: the panel, the transcript, and what a kernel knows about the cell that runs."""
