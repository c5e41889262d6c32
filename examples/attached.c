/*
 * Attaches to a model, prints what it takes and gives, and times it on inputs of zeros.
 *
 *     export PKG_CONFIG_PATH=build/Release/pkgconfig
 *     cc -std=c11 -O2 examples/attached.c -o attached $(pkg-config --cflags --libs mlos) \
 *        -Wl,-rpath,$PWD/build/Release
 *     ./attached hf/mnist@latest [turns] [socket]
 *
 * Dimensions of any size are taken as 1, string inputs as empty texts.
 */
#define _POSIX_C_SOURCE 200809L
#include <mlos.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kOneSecond = 1000000 };

static void fail(const char* what, mlos_status status) {
  fprintf(stderr, "%s: %s: %s\n", what, mlos_status_name(status), mlos_last_error());
  exit(1);
}

static void print_spec(const char* what, const mlos_tensor_spec* spec) {
  printf("%s %s: dtype %d, [", what, spec->name, (int)spec->dtype);
  for (int32_t i = 0; i < spec->rank; ++i) {
    printf("%s%lld", i == 0 ? "" : ", ", (long long)spec->dims[i]);
  }
  printf("]\n");
}

static mlos_request* create_request(mlos_model* model) {
  static int64_t dims[MLOS_MAX_TENSORS][MLOS_MAX_RANK];
  static mlos_input inputs[MLOS_MAX_TENSORS];
  const uint32_t count = mlos_input_count(model);
  for (uint32_t i = 0; i < count; ++i) {
    mlos_tensor_spec spec;
    mlos_status status = mlos_input_spec(model, i, &spec);
    if (status != MLOS_OK) fail("input", status);
    print_spec("input ", &spec);
    inputs[i].index = i;
    inputs[i].rank = spec.rank < 0 ? 1 : (uint32_t)spec.rank;
    inputs[i].dims = dims[i];
    for (uint32_t k = 0; k < inputs[i].rank; ++k) {
      dims[i][k] = spec.rank < 0 || spec.dims[k] < 0 ? 1 : spec.dims[k];
    }
  }
  mlos_request* request;
  mlos_status status = mlos_request_create(model, inputs, count, &request);
  if (status != MLOS_OK) fail("request", status);
  return request;
}

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void* a, const void* b) {
  const double left = *(const double*)a;
  const double right = *(const double*)b;
  return (left > right) - (left < right);
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: attached MODEL [TURNS] [SOCKET]\n");
    return 2;
  }
  const int turns = argc > 2 ? atoi(argv[2]) : 10000;
  double* times = malloc(sizeof *times * (size_t)(turns > 0 ? turns : 1));
  if (turns < 1 || times == NULL) return 2;

  mlos_model* model;
  mlos_status status = mlos_attach(argc > 3 ? argv[3] : NULL, argv[1], NULL, &model);
  if (status != MLOS_OK) fail("attach", status);
  printf("%s, run by %s\n", mlos_model_id(model), mlos_plugin_id(model));

  mlos_request* request = create_request(model);
  for (int i = 0; i < turns; ++i) {
    const double start = now_us();
    status = mlos_infer(request, 10 * kOneSecond);
    if (status != MLOS_OK) fail("infer", status);
    times[i] = now_us() - start;
  }
  const mlos_tensor* outputs = mlos_outputs(request);
  for (uint32_t i = 0; i < mlos_output_count(model); ++i) {
    mlos_tensor_spec spec;
    if (mlos_output_spec(model, i, &spec) != MLOS_OK) continue;
    print_spec("output", &spec);
    printf("  got %llu bytes\n", (unsigned long long)outputs[i].byte_length);
  }
  mlos_timing timing;
  mlos_request_timing(request, &timing);
  qsort(times, (size_t)turns, sizeof *times, compare);
  printf("%d turns: median %.1f us, 99 of 100 below %.1f us; the last ran %.1f us\n", turns,
         times[turns / 2], times[turns - 1 - turns / 100], (double)timing.run_ns / 1e3);

  mlos_request_free(request);
  mlos_close(model);
  free(times);
  return 0;
}
