// Biases: added to every pixel of a channel, and their gradient, the sum over it.

// Block (chunk, plane), so that no value has to find its channel by division.
KERNEL NAME(add_bias)(REAL *x, const REAL *bias, int channels, int plane, int chunk) {
    REAL *from = x + (size_t)blockIdx.y * plane;
    REAL offset = bias[blockIdx.y % channels];
    int end = min((int)(blockIdx.x + 1) * chunk, plane);
    for (int i = blockIdx.x * chunk + threadIdx.x; i < end; i += blockDim.x) {
        from[i] += offset;
    }
}

// Sums of chunks: block (chunk, plane).
KERNEL NAME(chunk_sums)(const REAL *x, REAL *sums, int plane, int chunk) {
    const REAL *from = x + (size_t)blockIdx.y * plane;
    int end = min((int)(blockIdx.x + 1) * chunk, plane);
    REAL sum = 0;
    for (int i = blockIdx.x * chunk + threadIdx.x; i < end; i += blockDim.x) {
        sum += from[i];
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        sums[(size_t)blockIdx.y * gridDim.x + blockIdx.x] = sum;
    }
}

// Block c adds the sums of channel c over all images of the batch.
KERNEL NAME(channel_sum)(const REAL *sums, REAL *out, int batch, int channels, int chunks) {
    int channel = blockIdx.x;
    REAL sum = 0;
    for (int i = threadIdx.x; i < batch * chunks; i += blockDim.x) {
        size_t plane = (size_t)(i / chunks) * channels + channel;
        sum += sums[plane * chunks + i % chunks];
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        out[channel] = sum;
    }
}
