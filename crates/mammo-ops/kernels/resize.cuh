// Each pixel to four, and four to their sum. Images are h x w before the doubling.

KERNEL NAME(nearest_double)(const REAL *x, REAL *out, size_t n, int h, int w) {
    FOR_EACH(i, n) {
        int ox = i % (2 * w), oy = i / (2 * w) % (2 * h);
        out[i] = x[i / (4 * (size_t)h * w) * h * w + (oy / 2) * w + ox / 2];
    }
}

KERNEL NAME(nearest_double_backward)(const REAL *grad, REAL *out, size_t n, int h, int w) {
    FOR_EACH(i, n) {
        int x = i % w, y = i / w % h;
        const REAL *upper = grad + i / ((size_t)h * w) * 4 * h * w + (size_t)(2 * y) * 2 * w + 2 * x;
        const REAL *lower = upper + 2 * w;
        out[i] = (upper[0] + upper[1]) + (lower[0] + lower[1]);
    }
}
