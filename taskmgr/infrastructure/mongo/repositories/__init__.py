"""One port a file, each on one collection. Rows are read raw and become entities in `mappers`."""
