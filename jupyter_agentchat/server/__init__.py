"""The doors: REST, WebSocket and pages, in a Jupyter server, alone, or embedded in a process."""
