"""Tools of MCP servers. Only `connecting` and the transports import the library, and only when there is a server."""
