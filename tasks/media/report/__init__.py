"""Pictures for the report: charts, contact sheets, kymographs."""
