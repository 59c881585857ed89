// Reflection padding, and its gradient, which folds the border back.

KERNEL NAME(reflect_pad)(const REAL *x, REAL *out, size_t n, int h, int w, int pad) {
    int hp = h + 2 * pad, wp = w + 2 * pad;
    FOR_EACH(i, n) {
        int ox = i % wp, oy = i / wp % hp;
        const REAL *plane = x + i / ((size_t)hp * wp) * h * w;
        out[i] = plane[mirrored(oy, pad, h) * w + mirrored(ox, pad, w)];
    }
}

KERNEL NAME(reflect_fold)(const REAL *padded, REAL *out, size_t n, int h, int w, int pad) {
    int hp = h + 2 * pad, wp = w + 2 * pad;
    FOR_EACH(i, n) {
        int rows[3], columns[3];
        int down = mirror_images(i / w % h, pad, h, rows), across = mirror_images(i % w, pad, w, columns);
        const REAL *plane = padded + i / ((size_t)h * w) * hp * wp;
        REAL sum = 0;
        for (int y = 0; y < down; y++) {
            for (int x = 0; x < across; x++) {
                sum += plane[(size_t)rows[y] * wp + columns[x]];
            }
        }
        out[i] = sum;
    }
}
