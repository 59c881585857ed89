// All kernels of the crate, each for f32 and for f64 (the layout ones for f32 and bf16): one module.

#include "kernel.cuh"

#define BODY "activation.cuh"
#include "each_float.cuh"
#define BODY "adam.cuh"
#include "each_float.cuh"
#define BODY "blur.cuh"
#include "each_float.cuh"
#define BODY "channel.cuh"
#include "each_float.cuh"
#define BODY "doubled.cuh"
#include "each_float.cuh"
#define BODY "loss.cuh"
#include "each_float.cuh"
#define BODY "norm.cuh"
#include "each_float.cuh"
#define BODY "reflect.cuh"
#include "each_float.cuh"
#define BODY "resize.cuh"
#include "each_float.cuh"

#include "layout.cuh"
