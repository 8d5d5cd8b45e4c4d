"""The agent's side: `aio.AsyncAgent` holds the logic, `blocking.Agent` is its facade."""
