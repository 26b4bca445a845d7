"""What a cell shows when it is no chart: tables, words, requests on the wire, labkit's own source."""
