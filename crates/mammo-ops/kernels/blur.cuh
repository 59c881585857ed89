// Doubling with the low-pass 1 3 3 1, and its gradient. Images are h x w before the doubling.

KERNEL NAME(blur_double)(const REAL *x, REAL *out, size_t n, int h, int w) {
    FOR_EACH(i, n) {
        int ox = i % (2 * w), oy = i / (2 * w) % (2 * h);
        const REAL *plane = x + i / (4 * (size_t)h * w) * h * w;
        int nx = ox / 2, ny = oy / 2;
        int fx = ox % 2 ? min(nx + 1, w - 1) : max(nx - 1, 0);
        int fy = oy % 2 ? min(ny + 1, h - 1) : max(ny - 1, 0);
        const REAL much = 0.75, little = 0.25;
        REAL near = plane[ny * w + nx] * much + plane[fy * w + nx] * little;
        REAL far = plane[ny * w + fx] * much + plane[fy * w + fx] * little;
        out[i] = near * much + far * little;
    }
}

// The weights with which pixel `at` of an axis entered the four outputs from 2 at - 1 on.
__device__ inline void NAME(blur_weights)(int at, int len, REAL *weights) {
    weights[0] = at > 0 ? 0.25 : 0;
    weights[1] = at > 0 ? 0.75 : 1;
    weights[2] = at < len - 1 ? 0.75 : 1;
    weights[3] = at < len - 1 ? 0.25 : 0;
}

KERNEL NAME(blur_double_backward)(const REAL *grad, REAL *out, size_t n, int h, int w) {
    FOR_EACH(i, n) {
        int x = i % w, y = i / w % h;
        const REAL *plane = grad + i / ((size_t)h * w) * 4 * h * w;
        REAL across[4], down[4];
        NAME(blur_weights)(x, w, across);
        NAME(blur_weights)(y, h, down);
        REAL sum = 0;
        for (int dy = 0; dy < 4; dy++) {
            for (int dx = 0; dx < 4; dx++) {
                REAL weight = down[dy] * across[dx];
                if (weight != 0) {
                    sum += weight * plane[(2 * y - 1 + dy) * 2 * w + 2 * x - 1 + dx];
                }
            }
        }
        out[i] = sum;
    }
}
