// Instance normalisation. Planes are cut into chunks, so that few large planes occupy the device as well as many small
// ones: block (chunk, plane). Statistics of chunks are combined in the order of the chunks by whoever needs them.

// Mean and sum of squared deviations of every chunk.
KERNEL NAME(norm_moments)(const REAL *x, REAL *moments, int plane, int chunk) {
    const REAL *from = x + (size_t)blockIdx.y * plane;
    int start = blockIdx.x * chunk, end = min(start + chunk, plane);
    REAL sum = 0;
    for (int i = start + threadIdx.x; i < end; i += blockDim.x) {
        sum += from[i];
    }
    REAL mean = block_sum(sum) / (end - start);
    REAL squares = 0;
    for (int i = start + threadIdx.x; i < end; i += blockDim.x) {
        squares += (from[i] - mean) * (from[i] - mean);
    }
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        REAL *to = moments + 2 * ((size_t)blockIdx.y * gridDim.x + blockIdx.x);
        to[0] = mean;
        to[1] = squares;
    }
}

// Mean and reciprocal standard deviation of a plane from the moments of its chunks (Chan, Golub and LeVeque 1979).
__device__ inline void NAME(statistics)(const REAL *moments, int plane, int chunk, REAL epsilon, REAL *mean,
                                        REAL *inverse_sd) {
    const REAL *of_plane = moments + 2 * (size_t)blockIdx.y * gridDim.x;
    REAL sum = 0;
    for (int i = 0; i < gridDim.x; i++) {
        sum += of_plane[2 * i] * (min((i + 1) * chunk, plane) - i * chunk);
    }
    *mean = sum / plane;
    REAL squares = 0;
    for (int i = 0; i < gridDim.x; i++) {
        REAL apart = of_plane[2 * i] - *mean;
        squares += of_plane[2 * i + 1] + apart * apart * (min((i + 1) * chunk, plane) - i * chunk);
    }
    *inverse_sd = 1 / sqrt(squares / plane + epsilon);
}

// activation(scale * normalised + shift + residual); scale and shift, and residual, may be null.
KERNEL NAME(norm)(const REAL *x, const REAL *moments, const REAL *scale, const REAL *shift, const REAL *residual,
                  REAL *out, int channels, int plane, int chunk, REAL epsilon, REAL slope) {
    REAL mean, inverse_sd;
    NAME(statistics)(moments, plane, chunk, epsilon, &mean, &inverse_sd);
    int channel = blockIdx.y % channels;
    REAL factor = scale ? scale[channel] * inverse_sd : inverse_sd;
    REAL offset = (shift ? shift[channel] : REAL(0)) - mean * factor;
    size_t base = (size_t)blockIdx.y * plane;
    int end = min((int)(blockIdx.x + 1) * chunk, plane);
    for (int i = blockIdx.x * chunk + threadIdx.x; i < end; i += blockDim.x) {
        REAL y = x[base + i] * factor + offset;
        if (residual) {
            y += residual[base + i];
        }
        out[base + i] = y * (y > 0 ? REAL(1) : slope);
    }
}

// Of every chunk: the sums of g and of g times normalised x, g being the gradient before the activation.
KERNEL NAME(norm_sums)(const REAL *x, const REAL *result, const REAL *grad, const REAL *moments, REAL *sums, int plane,
                       int chunk, REAL epsilon, REAL slope) {
    REAL mean, inverse_sd;
    NAME(statistics)(moments, plane, chunk, epsilon, &mean, &inverse_sd);
    size_t base = (size_t)blockIdx.y * plane;
    int end = min((int)(blockIdx.x + 1) * chunk, plane);
    REAL total = 0, with_x = 0;
    for (int i = blockIdx.x * chunk + threadIdx.x; i < end; i += blockDim.x) {
        REAL g = grad[base + i] * (result[base + i] > 0 ? REAL(1) : slope);
        total += g;
        with_x += g * (x[base + i] - mean);
    }
    total = block_sum(total);
    with_x = block_sum(with_x);
    if (threadIdx.x == 0) {
        REAL *to = sums + 2 * ((size_t)blockIdx.y * gridDim.x + blockIdx.x);
        to[0] = total;
        to[1] = with_x * inverse_sd;
    }
}

// The gradient to x; scale may be null.
KERNEL NAME(norm_backward)(const REAL *x, const REAL *result, const REAL *grad, const REAL *moments, const REAL *sums,
                           const REAL *scale, REAL *out, int channels, int plane, int chunk, REAL epsilon, REAL slope) {
    REAL mean, inverse_sd;
    NAME(statistics)(moments, plane, chunk, epsilon, &mean, &inverse_sd);
    REAL total = 0, with_x = 0;
    for (int i = 0; i < gridDim.x; i++) {
        const REAL *of_chunk = sums + 2 * ((size_t)blockIdx.y * gridDim.x + i);
        total += of_chunk[0];
        with_x += of_chunk[1];
    }
    REAL factor = scale ? scale[blockIdx.y % channels] * inverse_sd : inverse_sd;
    REAL mean_g = total / plane, slope_x = with_x / plane * inverse_sd;
    size_t base = (size_t)blockIdx.y * plane;
    int end = min((int)(blockIdx.x + 1) * chunk, plane);
    for (int i = blockIdx.x * chunk + threadIdx.x; i < end; i += blockDim.x) {
        REAL g = grad[base + i] * (result[base + i] > 0 ? REAL(1) : slope);
        out[base + i] = factor * (g - mean_g - (x[base + i] - mean) * slope_x);
    }
}

// The gradients to scale and shift, one behind the other, from the sums of all chunks of all images: block c.
KERNEL NAME(norm_affine_backward)(const REAL *sums, REAL *out, int batch, int channels, int chunks) {
    int channel = blockIdx.x;
    REAL total = 0, with_x = 0;
    for (int i = threadIdx.x; i < batch * chunks; i += blockDim.x) {
        size_t plane = (size_t)(i / chunks) * channels + channel;
        const REAL *of_chunk = sums + 2 * (plane * chunks + i % chunks);
        total += of_chunk[0];
        with_x += of_chunk[1];
    }
    total = block_sum(total);
    with_x = block_sum(with_x);
    if (threadIdx.x == 0) {
        out[channel] = with_x;
        out[channels + channel] = total;
    }
}
