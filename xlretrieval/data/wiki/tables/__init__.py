"""Articles that were parsed elsewhere: Parquet files, or datasets of the Hub."""
