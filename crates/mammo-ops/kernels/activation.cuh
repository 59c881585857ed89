// Activations and the gradients through them. The slope at zero is that of the negative side, as in PyTorch.

KERNEL NAME(leaky_relu)(const REAL *x, REAL *out, size_t n, REAL slope) {
    FOR_EACH(i, n) { out[i] = x[i] * (x[i] > 0 ? REAL(1) : slope); }
}

// The result of a rectifier has the sign of its input.
KERNEL NAME(leaky_relu_backward)(const REAL *result, const REAL *grad, REAL *out, size_t n, REAL slope) {
    FOR_EACH(i, n) { out[i] = grad[i] * (result[i] > 0 ? REAL(1) : slope); }
}

KERNEL NAME(add_relu)(const REAL *a, const REAL *b, REAL *out, size_t n) {
    FOR_EACH(i, n) {
        REAL sum = a[i] + b[i];
        out[i] = sum * (sum > 0 ? REAL(1) : REAL(0));
    }
}

KERNEL NAME(tanh)(const REAL *x, REAL *out, size_t n) {
    FOR_EACH(i, n) { out[i] = tanh(x[i]); }
}

KERNEL NAME(tanh_sum)(const REAL *a, const REAL *b, REAL *out, size_t n) {
    FOR_EACH(i, n) { out[i] = tanh(a[i] + b[i]); }
}

KERNEL NAME(tanh_backward)(const REAL *result, const REAL *grad, REAL *out, size_t n) {
    FOR_EACH(i, n) { out[i] = grad[i] * (1 - result[i] * result[i]); }
}
