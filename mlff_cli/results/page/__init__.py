"""The report of a run as one HTML file that can be sent: no network, no framework."""
