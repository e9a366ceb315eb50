"""A made-up calendar as an MCP server."""
