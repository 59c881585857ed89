// What kernels share.
#pragma once

#include <cuda_bf16.h>

// The exported name of a kernel, found by it in the module.
#define KERNEL extern "C" __global__ void

// Threads of a block that reduces: its shared memory is laid out for so many.
constexpr int REDUCERS = 256;

// Loops over n elements, whatever the grid.
#define FOR_EACH(i, n)                                                                        \
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < (size_t)(n);           \
         i += (size_t)gridDim.x * blockDim.x)

// Many parameters for one launch, as in src/cuda/table.rs. Passed by value: 2 KiB of the 4 KiB that arguments may take.
constexpr int ENTRIES = 64;
struct Table {
    unsigned long long parameters[ENTRIES];
    unsigned long long moments[ENTRIES];
    unsigned long long gradients[ENTRIES];
    unsigned long long lengths[ENTRIES];
};

// The sum of `value` over the block, known to every thread. Added in a fixed order, so that results repeat to the bit.
template <typename T> __device__ T block_sum(T value) {
    __shared__ T sums[REDUCERS];
    __syncthreads(); // the last call may still be read
    sums[threadIdx.x] = value;
    __syncthreads();
    for (int half = REDUCERS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            sums[threadIdx.x] += sums[threadIdx.x + half];
        }
        __syncthreads();
    }
    return sums[0];
}

// The pixel that position `i` of a mirrored axis shows, counted from the edge of the padding; `pad` is less than `len`.
__device__ inline int mirrored(int i, int pad, int len) {
    int at = i - pad;
    if (at < 0) {
        return -at;
    }
    return at < len ? at : 2 * (len - 1) - at;
}

// The positions of a mirrored axis that show pixel `at`: itself and, near an edge, its images. Returns how many.
__device__ inline int mirror_images(int at, int pad, int len, int *positions) {
    int count = 0;
    positions[count++] = at + pad;
    if (at >= 1 && at <= pad) {
        positions[count++] = pad - at;
    }
    if (at <= len - 2 && at >= len - 1 - pad) {
        positions[count++] = 2 * (len - 1) - at + pad;
    }
    return count;
}
