// Adam for many parameters in one launch.

// `corrections`: the learning rate over 1 - beta1^step, and 1 / sqrt(1 - beta2^step); in memory because a launch that is
// recorded keeps its arguments. Row y of the grid takes entry y of the table.
KERNEL NAME(adam)(const Table table, const REAL *corrections, REAL beta1, REAL beta2, REAL rest1, REAL rest2,
                  REAL epsilon) {
    REAL *parameter = (REAL *)table.parameters[blockIdx.y];
    REAL *first = (REAL *)table.moments[blockIdx.y];
    const REAL *gradient = (const REAL *)table.gradients[blockIdx.y];
    size_t length = table.lengths[blockIdx.y];
    REAL *second = first + length;
    REAL rate = corrections[0], root = corrections[1];
    FOR_EACH(i, length) {
        REAL g = gradient[i];
        REAL m = beta1 * first[i] + rest1 * g;
        REAL v = beta2 * second[i] + rest2 * g * g;
        first[i] = m;
        second[i] = v;
        parameter[i] -= rate * m / (sqrt(v) * root + epsilon);
    }
}
