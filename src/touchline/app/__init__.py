"""Settings, wiring, command line, HTTP server and page."""
