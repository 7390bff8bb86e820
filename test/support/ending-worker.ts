/** A worker that exits as soon as it starts. */
process.exit(3)
