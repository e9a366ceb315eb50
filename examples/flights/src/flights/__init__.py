"""A made-up timetable of flights as an MCP server."""
