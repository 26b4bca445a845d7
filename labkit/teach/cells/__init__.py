"""Cell outputs other than charts: tables, words, requests on the wire, labkit's own source."""
