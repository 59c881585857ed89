// Losses: every block adds its share in f64, then one block adds the blocks, in a fixed order. Gradients are for an
// upstream gradient of 1.

#define ADD_SHARE(expression)                                                                 \
    double sum = 0;                                                                           \
    FOR_EACH(i, n) { sum += (expression); }                                                   \
    sum = block_sum(sum);                                                                     \
    if (threadIdx.x == 0) {                                                                   \
        sums[blockIdx.x] = sum;                                                               \
    }

KERNEL NAME(l1_sums)(const REAL *a, const REAL *b, double *sums, size_t n) { ADD_SHARE(fabs((double)(a[i] - b[i]))) }

KERNEL NAME(least_squares_sums)(const REAL *x, double *sums, size_t n, double target) {
    ADD_SHARE(((double)x[i] - target) * ((double)x[i] - target))
}

KERNEL NAME(hinge_sums)(const REAL *x, double *sums, size_t n, double sign) {
    ADD_SHARE(fmax(1 - sign * (double)x[i], 0.0))
}

// Of weighted losses and of weights, one behind the other.
KERNEL NAME(logistic_sums)(const REAL *x, const REAL *target, const REAL *weight, double *sums, size_t n) {
    double sum = 0, total = 0;
    FOR_EACH(i, n) {
        double v = x[i], t = target[i], w = weight[i];
        if (w != 0) {
            sum += w * (fmax(v, 0.0) - t * v + log1p(exp(-fabs(v))));
        }
        total += w;
    }
    sum = block_sum(sum);
    total = block_sum(total);
    if (threadIdx.x == 0) {
        sums[blockIdx.x] = sum;
        sums[gridDim.x + blockIdx.x] = total;
    }
}

#undef ADD_SHARE

// One block: the sum of `count` shares over `divisor`, or over the sum of as many weights behind them where that is 0.
KERNEL NAME(mean)(const double *sums, REAL *out, int count, double divisor) {
    double sum = 0, total = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        sum += sums[i];
        if (divisor == 0) {
            total += sums[count + i];
        }
    }
    sum = block_sum(sum);
    total = block_sum(total);
    if (threadIdx.x == 0) {
        *out = sum / (divisor == 0 ? total : divisor);
    }
}

KERNEL NAME(l1_backward)(const REAL *a, const REAL *b, REAL *out, size_t n) {
    REAL step = REAL(1) / n;
    FOR_EACH(i, n) { out[i] = a[i] > b[i] ? step : a[i] < b[i] ? -step : REAL(0); }
}

KERNEL NAME(least_squares_backward)(const REAL *x, REAL *out, size_t n, double target) {
    REAL factor = REAL(2) / n;
    FOR_EACH(i, n) { out[i] = (x[i] - REAL(target)) * factor; }
}

KERNEL NAME(hinge_backward)(const REAL *x, REAL *out, size_t n, double sign) {
    REAL step = -sign / n;
    FOR_EACH(i, n) { out[i] = sign * (double)x[i] < 1 ? step : REAL(0); }
}

// `sums` as of logistic_sums, `count` losses and `count` weights.
KERNEL NAME(logistic_backward)(const REAL *x, const REAL *target, const REAL *weight, const double *sums, REAL *out,
                               size_t n, int count) {
    double total = 0;
    for (int i = 0; i < count; i++) {
        total += sums[count + i];
    }
    FOR_EACH(i, n) {
        double p = 1 / (1 + exp(-(double)x[i]));
        out[i] = (double)weight[i] * (p - (double)target[i]) / total;
    }
}
