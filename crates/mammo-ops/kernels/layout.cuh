// From planes to channels last, which tensor cores read, and back: (N, C, H, W) f32 to (N, H, W, C) f32 or bf16. Kernels
// (O, C, K, K) go the same way. Tiles of 32 x 32 pass through shared memory, so that both sides are read and written in
// rows; block (32, 8), grid (tiles of pixels, tiles of channels, images).

constexpr int TILE = 32;

__device__ inline void store(float value, float *to) { *to = value; }
__device__ inline void store(float value, __nv_bfloat16 *to) { *to = __float2bfloat16(value); }
__device__ inline float load(const float *from) { return *from; }
__device__ inline float load(const __nv_bfloat16 *from) { return __bfloat162float(*from); }

// With `pad` mirrored pixels on each side.
template <typename P> __device__ void pack(const float *x, P *out, int channels, int h, int w, int pad) {
    __shared__ float tile[TILE][TILE + 1];
    int wp = w + 2 * pad, pixels = (h + 2 * pad) * wp;
    int pixel = blockIdx.x * TILE + threadIdx.x, first = blockIdx.y * TILE;
    const float *image = x + (size_t)blockIdx.z * channels * h * w;
    if (pixel < pixels) {
        int from = mirrored(pixel / wp, pad, h) * w + mirrored(pixel % wp, pad, w);
        for (int c = threadIdx.y; c < TILE && first + c < channels; c += blockDim.y) {
            tile[c][threadIdx.x] = image[(size_t)(first + c) * h * w + from];
        }
    }
    __syncthreads();
    int channel = first + threadIdx.x;
    P *to = out + (size_t)blockIdx.z * channels * pixels;
    if (channel < channels) {
        for (int p = threadIdx.y; p < TILE && blockIdx.x * TILE + p < pixels; p += blockDim.y) {
            store(tile[threadIdx.x][p], to + (size_t)(blockIdx.x * TILE + p) * channels + channel);
        }
    }
}

// Adds a bias to every channel where there is one, and folds a mirrored border of `pad` pixels back. Tiles are of pixels
// without their border.
template <typename P>
__device__ void unpack(const P *x, const float *bias, float *out, int channels, int h, int w, int pad) {
    __shared__ float tile[TILE][TILE + 1];
    int wp = w + 2 * pad, pixels = h * w, first = blockIdx.y * TILE;
    const P *image = x + (size_t)blockIdx.z * channels * (h + 2 * pad) * wp;
    int channel = first + threadIdx.x;
    if (channel < channels) {
        float offset = bias ? bias[channel] : 0.0f;
        for (int p = threadIdx.y; p < TILE && blockIdx.x * TILE + p < pixels; p += blockDim.y) {
            int pixel = blockIdx.x * TILE + p;
            if (pad == 0) {
                tile[threadIdx.x][p] = offset + load(image + (size_t)pixel * channels + channel);
                continue;
            }
            int rows[3], columns[3];
            int down = mirror_images(pixel / w, pad, h, rows), across = mirror_images(pixel % w, pad, w, columns);
            float sum = offset;
            for (int y = 0; y < down; y++) {
                for (int c = 0; c < across; c++) {
                    sum += load(image + ((size_t)rows[y] * wp + columns[c]) * channels + channel);
                }
            }
            tile[threadIdx.x][p] = sum;
        }
    }
    __syncthreads();
    int pixel = blockIdx.x * TILE + threadIdx.x;
    float *to = out + (size_t)blockIdx.z * channels * pixels;
    if (pixel < pixels) {
        for (int c = threadIdx.y; c < TILE && first + c < channels; c += blockDim.y) {
            to[(size_t)(first + c) * pixels + pixel] = tile[c][threadIdx.x];
        }
    }
}

#define LAYOUT_KERNELS(P, SUFFIX)                                                             \
    KERNEL pack_##SUFFIX(const float *x, P *out, int channels, int h, int w, int pad) {       \
        pack(x, out, channels, h, w, pad);                                                    \
    }                                                                                         \
    KERNEL unpack_##SUFFIX(const P *x, const float *bias, float *out, int channels, int h, int w, int pad) { \
        unpack(x, bias, out, channels, h, w, pad);                                            \
    }

LAYOUT_KERNELS(float, f32)
LAYOUT_KERNELS(__nv_bfloat16, bf16)
