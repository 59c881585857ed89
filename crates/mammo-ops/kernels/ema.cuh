// Moving averages of many parameters in one launch: row y of the grid takes entry y of the table, whose parameters are the
// averages and whose gradients what they follow.

KERNEL NAME(follow)(const Table table, REAL kept, REAL rest) {
    REAL *average = (REAL *)table.parameters[blockIdx.y];
    const REAL *now = (const REAL *)table.gradients[blockIdx.y];
    FOR_EACH(i, table.lengths[blockIdx.y]) { average[i] = kept * average[i] + rest * now[i]; }
}
