"""Reports: results of one or more cells, combined for people, shields, pages and job summaries."""
