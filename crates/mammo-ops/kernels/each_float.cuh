// Includes BODY for both element types: REAL is the type, NAME(x) the name of a kernel for it.
#define REAL float
#define NAME(name) name##_f32
#include BODY
#undef REAL
#undef NAME
#define REAL double
#define NAME(name) name##_f64
#include BODY
#undef REAL
#undef NAME
#undef BODY
