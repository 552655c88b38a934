/* A GPU for tests: a TensorFlow PluggableDevice of device type GPU and platform METAL, in memory of this process.
 *
 * What makes it a judge of the product rather than a prop:
 *  - work runs on one worker thread, in order, so whoever forgets to synchronise measures nothing;
 *  - device memory is mapped twice: where TensorFlow sees it, nobody may read or write it (PROT_NONE), so no CPU kernel can do the
 *    work unnoticed; the worker uses the other mapping;
 *  - finished matmuls are counted in a file (ARCHCHECK_DEVICE_COUNTER: eight bytes, native order), whatever TensorFlow says;
 *  - only MatMul of float32 has a kernel here.
 * ARCHCHECK_DEVICE_FAULT names what shall go wrong; see is_fault(...) below. Built against the headers in the TensorFlow wheel;
 * the interface is described in tensorflow/c/experimental/stream_executor/stream_executor.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tensorflow/c/experimental/stream_executor/stream_executor.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

/* tensorflow/c/kernels.h of some releases is C++ only, so the few functions used are declared here. */
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;
extern TF_KernelBuilder *TF_NewKernelBuilder(const char *, const char *, void *(*)(TF_OpKernelConstruction *),
                                             void (*)(void *, TF_OpKernelContext *), void (*)(void *));
extern void TF_KernelBuilder_TypeConstraint(TF_KernelBuilder *, const char *, TF_DataType, TF_Status *);
extern void TF_RegisterKernelBuilder(const char *, TF_KernelBuilder *, TF_Status *);
extern void TF_OpKernelConstruction_GetAttrBool(TF_OpKernelConstruction *, const char *, unsigned char *, TF_Status *);
extern void TF_GetInput(TF_OpKernelContext *, int, TF_Tensor **, TF_Status *);
extern TF_Tensor *TF_AllocateOutput(TF_OpKernelContext *, int, TF_DataType, const int64_t *, int, size_t, TF_Status *);
extern void TF_OpKernelContext_Failure(TF_OpKernelContext *, TF_Status *);

#ifdef UNDEFINED_SYMBOL
extern void function_that_no_tensorflow_exports(void);
#endif
#ifdef MISSING_LIBRARY
extern void function_of_a_library_that_is_gone(void);
#endif

static bool is_fault(const char *name) {
  const char *wanted = getenv("ARCHCHECK_DEVICE_FAULT");
  return wanted != NULL && strcmp(wanted, name) == 0;
}

static void ok(TF_Status *status) { TF_SetStatus(status, TF_OK, ""); }

static void hang(void) {
  for (;;) pause();
}

/* ---- memory: one arena, mapped twice ---- */

#define ARENA_BYTES ((size_t)8 << 30) /* address space; only pages that are written use memory */
static char *arena_seen;   /* what TensorFlow gets: PROT_NONE */
static char *arena_used;   /* what the worker uses */
static size_t arena_taken; /* TensorFlow's own allocator asks for few, large regions and keeps them */
static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;

static bool map_arena(void) {
  int file = memfd_create("archcheck-device", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, (off_t)ARENA_BYTES) != 0) return false;
  arena_seen = mmap(NULL, ARENA_BYTES, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0);
  arena_used = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  close(file);
  return arena_seen != MAP_FAILED && arena_used != MAP_FAILED;
}

static void *on_device(const void *seen) { return arena_used + ((const char *)seen - arena_seen); }

static void allocate(const SP_Device *device, uint64_t size, int64_t space, SP_DeviceMemoryBase *memory) {
  (void)device, (void)space;
  memory->struct_size = SP_DEVICE_MEMORY_BASE_STRUCT_SIZE;
  memory->opaque = NULL;
  memory->size = 0;
  pthread_mutex_lock(&arena_lock);
  size_t padded = (size + 4095) & ~(size_t)4095;
  if (!is_fault("out-of-memory") && padded <= ARENA_BYTES - arena_taken) {
    memory->opaque = arena_seen + arena_taken;
    memory->size = size;
    arena_taken += padded;
  }
  pthread_mutex_unlock(&arena_lock);
}

static void deallocate(const SP_Device *device, SP_DeviceMemoryBase *memory) {
  (void)device;
  memory->opaque = NULL;
  memory->size = 0;
}

static void *host_allocate(const SP_Device *device, uint64_t size) {
  (void)device;
  return aligned_alloc(64, (size + 63) & ~(uint64_t)63);
}

static void host_deallocate(const SP_Device *device, void *memory) {
  (void)device;
  free(memory);
}

static TF_Bool allocator_stats(const SP_Device *device, SP_AllocatorStats *stats) {
  (void)device, (void)stats;
  return 0;
}

static TF_Bool memory_usage(const SP_Device *device, int64_t *unused, int64_t *total) {
  (void)device;
  *total = (int64_t)ARENA_BYTES;
  *unused = (int64_t)(ARENA_BYTES - arena_taken);
  return 1;
}

/* ---- the worker: one queue for all streams, so that order needs no more care ---- */

typedef struct Task {
  struct Task *next;
  void (*run)(struct Task *);
  char *target;
  const char *left, *right;
  uint64_t size;                /* bytes, for copies and fills */
  int64_t rows, inner, columns; /* for matmul */
  bool transpose_left, transpose_right;
  uint32_t pattern;
  SE_StatusCallbackFn callback;
  void *argument;
} Task;

static Task *queue_head, *queue_tail;
static uint64_t queued, finished; /* tasks */
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_changed = PTHREAD_COND_INITIALIZER;
static volatile int64_t *counter;

static uint64_t enqueue(Task task) {
  Task *copy = malloc(sizeof task);
  *copy = task;
  copy->next = NULL;
  pthread_mutex_lock(&queue_lock);
  if (queue_tail != NULL) queue_tail->next = copy;
  else queue_head = copy;
  queue_tail = copy;
  uint64_t ticket = ++queued;
  pthread_cond_broadcast(&queue_changed);
  pthread_mutex_unlock(&queue_lock);
  return ticket;
}

static void wait_for(uint64_t ticket) {
  pthread_mutex_lock(&queue_lock);
  while (finished < ticket) pthread_cond_wait(&queue_changed, &queue_lock);
  pthread_mutex_unlock(&queue_lock);
}

static uint64_t last_ticket(void) {
  pthread_mutex_lock(&queue_lock);
  uint64_t ticket = queued;
  pthread_mutex_unlock(&queue_lock);
  return ticket;
}

static void *work(void *unused) {
  (void)unused;
  for (;;) {
    pthread_mutex_lock(&queue_lock);
    while (queue_head == NULL) pthread_cond_wait(&queue_changed, &queue_lock);
    Task *task = queue_head;
    queue_head = task->next;
    if (queue_head == NULL) queue_tail = NULL;
    pthread_mutex_unlock(&queue_lock);
    task->run(task);
    free(task);
    pthread_mutex_lock(&queue_lock);
    finished++;
    pthread_cond_broadcast(&queue_changed);
    pthread_mutex_unlock(&queue_lock);
  }
  return NULL;
}

static void run_copy(Task *task) { memcpy(task->target, task->left, task->size); }

static void run_read_back(Task *task) {
  if (is_fault("hang-read-back")) hang();
  run_copy(task);
}

static void run_fill(Task *task) {
  for (uint64_t at = 0; at + 4 <= task->size; at += 4) memcpy(task->target + at, &task->pattern, 4);
  memset(task->target + (task->size & ~(uint64_t)3), (int)(task->pattern & 0xff), task->size & 3);
}

static void run_callback(Task *task) {
  TF_Status *status = TF_NewStatus();
  task->callback(task->argument, status);
  TF_DeleteStatus(status);
}

/* ---- the kernel ---- */

static void spoil(float *result, int64_t rows, int64_t columns) {
  int64_t count = rows * columns;
  if (count == 0) return;
  if (is_fault("wrong")) {
    for (int64_t at = 0; at < count; at++) result[at] = 2 * result[at] + 1;
  } else if (is_fault("one-wrong-number")) {
    float *row = result + rows / 3 * columns, *victim = row + columns / 3;
    float largest = 0; /* of its row: surely no rounding of the victim, whatever its own size is */
    for (int64_t at = 0; at < columns; at++) largest = fmaxf(largest, fabsf(row[at]));
    *victim += largest;
  } else if (is_fault("nan")) {
    result[count / 2] = NAN;
  } else if (is_fault("zeros")) {
    memset(result, 0, (size_t)count * sizeof *result);
  }
}

/* The product of BLOCK_ROWS rows and BLOCK_COLUMNS columns, both packed so that one summand's numbers lie together: the sums stay in
 * registers, or a processor could not keep the pace of the device that is played (see "7-gflops"). */
#define BLOCK_ROWS 4
#define BLOCK_COLUMNS 16
typedef float Vector __attribute__((vector_size(32), aligned(4), may_alias));

#ifdef __x86_64__
__attribute__((target_clones("avx2", "default")))
#endif
static void multiply_block(const float *left, const float *right, int64_t inner, float *result) {
  Vector a0 = {0}, a1 = {0}, b0 = {0}, b1 = {0}, c0 = {0}, c1 = {0}, d0 = {0}, d1 = {0};
  for (; inner > 0; inner--, left += BLOCK_ROWS, right += BLOCK_COLUMNS) {
    Vector first = *(const Vector *)right, second = *(const Vector *)(right + 8);
    a0 += left[0] * first, a1 += left[0] * second;
    b0 += left[1] * first, b1 += left[1] * second;
    c0 += left[2] * first, c1 += left[2] * second;
    d0 += left[3] * first, d1 += left[3] * second;
  }
  Vector *row = (Vector *)result;
  row[0] = a0, row[1] = a1, row[2] = b0, row[3] = b1, row[4] = c0, row[5] = c1, row[6] = d0, row[7] = d1;
}

/* So many rows of a matrix (columns, with its strides exchanged), summand by summand; what lies beyond its edge is 0. */
static void pack(float *packed, const float *from, int64_t first, int64_t end, int64_t count, int64_t inner, int64_t row_stride,
                 int64_t inner_stride) {
  for (int64_t k = 0; k < inner; k++) {
    for (int64_t i = 0; i < count; i++) {
      packed[k * count + i] = first + i < end ? from[(first + i) * row_stride + k * inner_stride] : 0;
    }
  }
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sleep_until(double end) {
  double left = end - seconds();
  if (left > 0) nanosleep(&(struct timespec){.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)}, NULL);
}

static void run_matmul(Task *task) {
  double begin = seconds();
  const float *left = (const float *)task->left, *right = (const float *)task->right;
  float *result = (float *)task->target;
  int64_t rows = task->rows, inner = task->inner, columns = task->columns;
  size_t side = (size_t)inner * sizeof(float);
  float *packed_left = malloc((size_t)(rows + BLOCK_ROWS) * side), *packed_right = malloc(BLOCK_COLUMNS * side);
  for (int64_t i = 0; i < rows; i += BLOCK_ROWS) {
    pack(packed_left + i * inner, left, i, rows, BLOCK_ROWS, inner, task->transpose_left ? 1 : inner,
         task->transpose_left ? rows : 1);
  }
  for (int64_t j = 0; j < columns; j += BLOCK_COLUMNS) {
    pack(packed_right, right, j, columns, BLOCK_COLUMNS, inner, task->transpose_right ? inner : 1,
         task->transpose_right ? 1 : columns);
    int64_t wide = columns - j < BLOCK_COLUMNS ? columns - j : BLOCK_COLUMNS;
    for (int64_t i = 0; i < rows; i += BLOCK_ROWS) {
      float block[BLOCK_ROWS * BLOCK_COLUMNS];
      multiply_block(packed_left + i * inner, packed_right, inner, block);
      for (int64_t row = i; row < rows && row < i + BLOCK_ROWS; row++) {
        memcpy(result + row * columns + j, block + (row - i) * BLOCK_COLUMNS, (size_t)wide * sizeof(float));
      }
    }
  }
  free(packed_left), free(packed_right);
  if (is_fault("slow")) nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
  if (is_fault("delay")) nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  if (is_fault("7-gflops")) sleep_until(begin + 2.0 * (double)rows * (double)inner * (double)columns / 7e9);
  spoil(result, rows, columns);
  if (counter != NULL) ++*counter;
}

typedef struct {
  unsigned char transpose_a, transpose_b;
} MatMul;

static void *matmul_create(TF_OpKernelConstruction *construction) {
  MatMul *kernel = calloc(1, sizeof *kernel);
  TF_Status *status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrBool(construction, "transpose_a", &kernel->transpose_a, status);
  TF_OpKernelConstruction_GetAttrBool(construction, "transpose_b", &kernel->transpose_b, status);
  TF_DeleteStatus(status);
  return kernel;
}

static void matmul_compute(void *state, TF_OpKernelContext *context) {
  const MatMul *kernel = state;
  TF_Status *status = TF_NewStatus();
  TF_Tensor *left = NULL, *right = NULL, *result = NULL;
  if (is_fault("error-at-matmul")) TF_SetStatus(status, TF_INTERNAL, "archcheck test device: the matmul failed");
  if (TF_GetCode(status) == TF_OK) TF_GetInput(context, 0, &left, status);
  if (TF_GetCode(status) == TF_OK) TF_GetInput(context, 1, &right, status);
  if (TF_GetCode(status) == TF_OK) {
    int64_t rows = TF_Dim(left, kernel->transpose_a ? 1 : 0), inner = TF_Dim(left, kernel->transpose_a ? 0 : 1);
    int64_t columns = TF_Dim(right, kernel->transpose_b ? 0 : 1), dims[2] = {rows, columns};
    result = TF_AllocateOutput(context, 0, TF_FLOAT, dims, 2, (size_t)(rows * columns) * sizeof(float), status);
    if (TF_GetCode(status) == TF_OK) {
      enqueue((Task){.run = run_matmul, .target = on_device(TF_TensorData(result)), .left = on_device(TF_TensorData(left)),
                     .right = on_device(TF_TensorData(right)), .rows = rows, .inner = inner, .columns = columns,
                     .transpose_left = kernel->transpose_a != 0, .transpose_right = kernel->transpose_b != 0});
    }
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  if (result != NULL) TF_DeleteTensor(result);
  if (right != NULL) TF_DeleteTensor(right);
  if (left != NULL) TF_DeleteTensor(left);
  TF_DeleteStatus(status);
}

static void matmul_delete(void *state) { free(state); }

void TF_InitKernel(void) {
  if (is_fault("no-kernel")) return;
  TF_Status *status = TF_NewStatus();
  TF_KernelBuilder *builder = TF_NewKernelBuilder("MatMul", "GPU", matmul_create, matmul_compute, matmul_delete);
  TF_KernelBuilder_TypeConstraint(builder, "T", TF_FLOAT, status);
  TF_RegisterKernelBuilder("ArchcheckMatMul", builder, status);
  if (TF_GetCode(status) != TF_OK) abort();
  TF_DeleteStatus(status);
}

/* ---- streams, events, timers ---- */

struct SP_Stream_st {
  char unused;
};
struct SP_Event_st {
  uint64_t ticket;
};
struct SP_Timer_st {
  char unused;
};

static void create_stream(const SP_Device *device, SP_Stream *stream, TF_Status *status) {
  (void)device;
  *stream = calloc(1, sizeof **stream);
  ok(status);
}

static void destroy_stream(const SP_Device *device, SP_Stream stream) {
  (void)device;
  free(stream);
}

static void stream_dependency(const SP_Device *device, SP_Stream dependent, SP_Stream other, TF_Status *status) {
  (void)device, (void)dependent, (void)other;
  ok(status);
}

static void stream_status(const SP_Device *device, SP_Stream stream, TF_Status *status) {
  (void)device, (void)stream;
  ok(status);
}

static void create_event(const SP_Device *device, SP_Event *event, TF_Status *status) {
  (void)device;
  *event = calloc(1, sizeof **event);
  ok(status);
}

static void destroy_event(const SP_Device *device, SP_Event event) {
  (void)device;
  free(event);
}

static SE_EventStatus event_status(const SP_Device *device, SP_Event event) {
  (void)device;
  pthread_mutex_lock(&queue_lock);
  bool complete = finished >= event->ticket;
  pthread_mutex_unlock(&queue_lock);
  return complete ? SE_EVENT_COMPLETE : SE_EVENT_PENDING;
}

static void record_event(const SP_Device *device, SP_Stream stream, SP_Event event, TF_Status *status) {
  (void)device, (void)stream;
  event->ticket = last_ticket();
  ok(status);
}

static void wait_for_event(const SP_Device *device, SP_Stream stream, SP_Event event, TF_Status *status) {
  (void)device, (void)stream, (void)event; /* one queue: whatever comes later already waits */
  ok(status);
}

static void block_for_event(const SP_Device *device, SP_Event event, TF_Status *status) {
  (void)device;
  wait_for(event->ticket);
  ok(status);
}

static void block_until_done(const SP_Device *device, SP_Stream stream, TF_Status *status) {
  (void)device, (void)stream;
  wait_for(last_ticket());
  ok(status);
}

static void synchronize_all(const SP_Device *device, TF_Status *status) {
  (void)device;
  wait_for(last_ticket());
  ok(status);
}

static void create_timer(const SP_Device *device, SP_Timer *timer, TF_Status *status) {
  (void)device;
  *timer = calloc(1, sizeof **timer);
  ok(status);
}

static void destroy_timer(const SP_Device *device, SP_Timer timer) {
  (void)device;
  free(timer);
}

static void touch_timer(const SP_Device *device, SP_Stream stream, SP_Timer timer, TF_Status *status) {
  (void)device, (void)stream, (void)timer;
  ok(status);
}

static uint64_t timer_nanoseconds(SP_Timer timer) {
  (void)timer;
  return 0;
}

/* ---- copies and fills ---- */

static void read_back(const SP_Device *device, SP_Stream stream, void *host, const SP_DeviceMemoryBase *source, uint64_t size,
                      TF_Status *status) {
  (void)device, (void)stream;
  if (is_fault("error-at-read-back")) {
    TF_SetStatus(status, TF_INTERNAL, "archcheck test device: the copy to the host failed");
    return;
  }
  enqueue((Task){.run = run_read_back, .target = host, .left = on_device(source->opaque), .size = size});
  ok(status);
}

static void upload(const SP_Device *device, SP_Stream stream, SP_DeviceMemoryBase *target, const void *host, uint64_t size,
                   TF_Status *status) {
  (void)device, (void)stream;
  enqueue((Task){.run = run_copy, .target = on_device(target->opaque), .left = host, .size = size});
  ok(status);
}

static void copy_inside(const SP_Device *device, SP_Stream stream, SP_DeviceMemoryBase *target, const SP_DeviceMemoryBase *source,
                        uint64_t size, TF_Status *status) {
  (void)device, (void)stream;
  enqueue((Task){.run = run_copy, .target = on_device(target->opaque), .left = on_device(source->opaque), .size = size});
  ok(status);
}

static void sync_read_back(const SP_Device *device, void *host, const SP_DeviceMemoryBase *source, uint64_t size,
                           TF_Status *status) {
  read_back(device, NULL, host, source, size, status);
  wait_for(last_ticket());
}

static void sync_upload(const SP_Device *device, SP_DeviceMemoryBase *target, const void *host, uint64_t size, TF_Status *status) {
  upload(device, NULL, target, host, size, status);
  wait_for(last_ticket());
}

static void sync_copy_inside(const SP_Device *device, SP_DeviceMemoryBase *target, const SP_DeviceMemoryBase *source, uint64_t size,
                             TF_Status *status) {
  copy_inside(device, NULL, target, source, size, status);
  wait_for(last_ticket());
}

static void fill32(const SP_Device *device, SP_Stream stream, SP_DeviceMemoryBase *target, uint32_t pattern, uint64_t size,
                   TF_Status *status) {
  (void)device, (void)stream;
  enqueue((Task){.run = run_fill, .target = on_device(target->opaque), .pattern = pattern, .size = size});
  ok(status);
}

static void fill8(const SP_Device *device, SP_Stream stream, SP_DeviceMemoryBase *target, uint8_t pattern, uint64_t size,
                  TF_Status *status) {
  fill32(device, stream, target, pattern * 0x01010101u, size, status);
}

static void fill_zero(const SP_Device *device, SP_Stream stream, SP_DeviceMemoryBase *target, uint64_t size, TF_Status *status) {
  fill32(device, stream, target, 0, size, status);
}

static TF_Bool host_callback(const SP_Device *device, SP_Stream stream, SE_StatusCallbackFn callback, void *argument) {
  (void)device, (void)stream;
  enqueue((Task){.run = run_callback, .callback = callback, .argument = argument});
  return 1;
}

/* ---- the platform ---- */

static void device_count(const SP_Platform *platform, int *count, TF_Status *status) {
  (void)platform;
  *count = 1;
  ok(status);
}

static void create_device(const SP_Platform *platform, SE_CreateDeviceParams *params, TF_Status *status) {
  (void)platform;
  if (is_fault("no-device")) {
    TF_SetStatus(status, TF_INTERNAL, "archcheck test device: the device cannot be created");
    return;
  }
  pthread_t thread;
  if (!map_arena() || pthread_create(&thread, NULL, work, NULL) != 0) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "archcheck test device: no memory or thread for it on this machine");
    return;
  }
  params->device->struct_size = SP_DEVICE_STRUCT_SIZE;
  params->device->ordinal = params->ordinal;
  params->device->hardware_name = "archcheck test device";
  params->device->device_vendor = "archcheck";
  params->device->pci_bus_id = "0000:00:00.0";
  ok(status);
}

static void destroy_device(const SP_Platform *platform, SP_Device *device) { (void)platform, (void)device; }

static void create_device_fns(const SP_Platform *platform, SE_CreateDeviceFnsParams *params, TF_Status *status) {
  (void)platform;
  params->device_fns->struct_size = SP_DEVICE_FNS_STRUCT_SIZE;
  ok(status);
}

static void destroy_device_fns(const SP_Platform *platform, SP_DeviceFns *functions) { (void)platform, (void)functions; }

static void create_executor(const SP_Platform *platform, SE_CreateStreamExecutorParams *params, TF_Status *status) {
  (void)platform;
  *params->stream_executor = (SP_StreamExecutor){
      .struct_size = SP_STREAMEXECUTOR_STRUCT_SIZE,
      .allocate = allocate,
      .deallocate = deallocate,
      .host_memory_allocate = host_allocate,
      .host_memory_deallocate = host_deallocate,
      .get_allocator_stats = allocator_stats,
      .device_memory_usage = memory_usage,
      .create_stream = create_stream,
      .destroy_stream = destroy_stream,
      .create_stream_dependency = stream_dependency,
      .get_stream_status = stream_status,
      .create_event = create_event,
      .destroy_event = destroy_event,
      .get_event_status = event_status,
      .record_event = record_event,
      .wait_for_event = wait_for_event,
      .create_timer = create_timer,
      .destroy_timer = destroy_timer,
      .start_timer = touch_timer,
      .stop_timer = touch_timer,
      .memcpy_dtoh = read_back,
      .memcpy_htod = upload,
      .memcpy_dtod = copy_inside,
      .sync_memcpy_dtoh = sync_read_back,
      .sync_memcpy_htod = sync_upload,
      .sync_memcpy_dtod = sync_copy_inside,
      .block_host_for_event = block_for_event,
      .block_host_until_done = block_until_done,
      .synchronize_all_activity = synchronize_all,
      .mem_zero = fill_zero,
      .memset = fill8,
      .memset32 = fill32,
      .host_callback = host_callback,
  };
  ok(status);
}

static void destroy_executor(const SP_Platform *platform, SP_StreamExecutor *executor) { (void)platform, (void)executor; }

static void create_timer_fns(const SP_Platform *platform, SP_TimerFns *functions, TF_Status *status) {
  (void)platform;
  functions->struct_size = SP_TIMER_FNS_STRUCT_SIZE;
  functions->nanoseconds = timer_nanoseconds;
  ok(status);
}

static void destroy_timer_fns(const SP_Platform *platform, SP_TimerFns *functions) { (void)platform, (void)functions; }
static void destroy_platform(SP_Platform *platform) { (void)platform; }
static void destroy_platform_fns(SP_PlatformFns *functions) { (void)functions; }

static void open_counter(void) {
  const char *path = getenv("ARCHCHECK_DEVICE_COUNTER");
  int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  if (ftruncate(file, sizeof(int64_t)) == 0) {
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) counter = page;
  }
  close(file);
}

static void fail_at_load(TF_Status *status) {
  if (is_fault("abort")) abort();
  if (is_fault("segfault")) raise(SIGSEGV);
  if (is_fault("exit")) _exit(3);
  if (is_fault("hang-at-load")) {
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    hang();
  }
  if (is_fault("error-at-load")) TF_SetStatus(status, TF_INTERNAL, "archcheck test device: the plugin refuses to load");
}

void SE_InitPlugin(SE_PlatformRegistrationParams *params, TF_Status *status) {
#ifdef UNDEFINED_SYMBOL
  function_that_no_tensorflow_exports();
#endif
#ifdef MISSING_LIBRARY
  function_of_a_library_that_is_gone();
#endif
  ok(status);
  fail_at_load(status);
  if (TF_GetCode(status) != TF_OK) return;
  open_counter();
  *params->platform = (SP_Platform){
      .struct_size = SP_PLATFORM_STRUCT_SIZE,
      .name = "METAL",
      .type = "GPU",
      .use_bfc_allocator = 1,
      .force_memory_growth = 1,
  };
  *params->platform_fns = (SP_PlatformFns){
      .struct_size = SP_PLATFORM_FNS_STRUCT_SIZE,
      .get_device_count = device_count,
      .create_device = create_device,
      .destroy_device = destroy_device,
      .create_device_fns = create_device_fns,
      .destroy_device_fns = destroy_device_fns,
      .create_stream_executor = create_executor,
      .destroy_stream_executor = destroy_executor,
      .create_timer_fns = create_timer_fns,
      .destroy_timer_fns = destroy_timer_fns,
  };
  params->destroy_platform = destroy_platform;
  params->destroy_platform_fns = destroy_platform_fns;
}
