// A doubling and its convolution in one: the kernels of the transposed convolution, and the repeated edge.

// Whether tap `wide` of a 4-tap kernel takes tap `tap` of the 3-tap kernel into its sum: {2}, {1, 2}, {0, 1}, {0}.
__device__ inline bool NAME(takes)(int wide, int tap) { return tap == 2 - wide || tap == 3 - wide; }

// (O, C, 3, 3) to (C, O, 4, 4).
KERNEL NAME(doubled_kernel)(const REAL *weight, REAL *out, size_t n, int out_channels, int channels) {
    FOR_EACH(i, n) {
        int x = i % 4, y = i / 4 % 4;
        size_t o = i / 16 % out_channels, c = i / 16 / out_channels;
        const REAL *taps = weight + (o * channels + c) * 9;
        REAL sum = 0;
        for (int row = 0; row < 3; row++) {
            for (int column = 0; column < 3; column++) {
                if (NAME(takes)(y, row) && NAME(takes)(x, column)) {
                    sum += taps[row * 3 + column];
                }
            }
        }
        out[i] = sum;
    }
}

// (C, O, 4, 4) to (O, C, 3, 3).
KERNEL NAME(doubled_kernel_backward)(const REAL *wide, REAL *out, size_t n, int out_channels, int channels) {
    FOR_EACH(i, n) {
        int column = i % 3, row = i / 3 % 3;
        size_t c = i / 9 % channels, o = i / 9 / channels;
        const REAL *taps = wide + (c * out_channels + o) * 16;
        REAL sum = 0;
        for (int y = 0; y < 4; y++) {
            for (int x = 0; x < 4; x++) {
                if (NAME(takes)(y, row) && NAME(takes)(x, column)) {
                    sum += taps[y * 4 + x];
                }
            }
        }
        out[i] = sum;
    }
}

// h x w to (h + 2) x (w + 2), the outermost pixels repeated.
KERNEL NAME(fringe)(const REAL *x, REAL *out, size_t n, int h, int w) {
    FOR_EACH(i, n) {
        int ox = i % (w + 2), oy = i / (w + 2) % (h + 2);
        const REAL *plane = x + i / ((size_t)(h + 2) * (w + 2)) * h * w;
        out[i] = plane[min(max(oy - 1, 0), h - 1) * w + min(max(ox - 1, 0), w - 1)];
    }
}

KERNEL NAME(fringe_backward)(const REAL *grad, REAL *out, size_t n, int h, int w) {
    FOR_EACH(i, n) {
        int x = i % w, y = i / w % h;
        const REAL *plane = grad + i / ((size_t)h * w) * (h + 2) * (w + 2);
        int top = y == 0 ? 0 : y + 1, bottom = y == h - 1 ? h + 1 : y + 1;
        int left = x == 0 ? 0 : x + 1, right = x == w - 1 ? w + 1 : x + 1;
        REAL sum = 0;
        for (int gy = top; gy <= bottom; gy++) {
            for (int gx = left; gx <= right; gx++) {
                sum += plane[gy * (w + 2) + gx];
            }
        }
        out[i] = sum;
    }
}
