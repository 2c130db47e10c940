/*
 * A stand-in for NVIDIA's driver, runtime, management and collective libraries, for tests on machines without a GPU: devices
 * with the figures of an H100, whose memory is the host's, whose copies are real and whose kernels do nothing. Built by
 * stand-in-gpu.ts and found through LD_LIBRARY_PATH as libcuda.so.1, libcudart.so.13, libnvidia-ml.so.1 and libnccl.so.2. It has
 * what XLA calls to make a client, to move data, to run programs of copies and to gather and add up between the processes of one
 * machine; it proves nothing about computing on a GPU.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY ((size_t)2 << 30)

typedef uint64_t Address;
typedef void *Handle;

static __thread Handle current;
static int contexts[8];

static int make(Handle *handle) {
  *handle = calloc(1, 64);
  return 0;
}

static int allocate(void **address, size_t size) {
  void *block = NULL;
  if (posix_memalign(&block, 256, size ? size : 1)) return 2;
  *address = block;
  return 0;
}

/* Devices and contexts. */
int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
/* As many devices as STAND_IN_DEVICES says. */
static int devices(void) {
  const char *count = getenv("STAND_IN_DEVICES");
  return count ? atoi(count) : 1;
}
int cuDeviceGetCount(int *count) { *count = devices(); return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal < devices() ? 0 : 101; }
int cuDeviceGetName(char *name, int size, int device) { snprintf(name, size, "stand-in for an H100"); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = MEMORY; return 0; }
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) { memset(uuid, 7 + device, 16); return 0; }
int cuDeviceGetPCIBusId(char *id, int size, int device) { snprintf(id, size, "0000:%02x:00.0", device); return 0; }
int cuDeviceCanAccessPeer(int *can, int from, int to) { *can = 0; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  static const struct { int attribute, value; } KNOWN[] = {
    {1, 1024}, {2, 1024}, {3, 1024}, {4, 64},            /* threads of a block */
    {5, 2147483647}, {6, 65535}, {7, 65535},             /* blocks of a grid */
    {8, 49152}, {81, 233472}, {97, 232448}, {111, 1024}, /* shared memory */
    {10, 32}, {12, 65536}, {82, 65536}, {106, 32},       /* warps, registers, blocks of a multiprocessor */
    {13, 1980000}, {36, 2619000}, {37, 5120},            /* clocks in kHz, bus width */
    {16, 132}, {38, 52428800}, {39, 2048},               /* multiprocessors, cache, threads of one */
    {75, 9}, {76, 0},                                    /* compute capability */
  };
  *value = 0;
  for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
    if (KNOWN[i].attribute == attribute) *value = KNOWN[i].value;
  return 0;
}
int cuDevicePrimaryCtxRetain(Handle *c, int device) { *c = &contexts[device]; return 0; }
int cuDevicePrimaryCtxRelease_v2(int device) { return 0; }
int cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags) { return 0; }
int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) { *flags = 0; *active = 1; return 0; }
int cuCtxSetCurrent(Handle c) { current = c; return 0; }
int cuCtxGetCurrent(Handle *c) { *c = current; return 0; }
int cuCtxGetDevice(int *device) { *device = current ? (int)((int *)current - contexts) : 0; return 0; }
int cuCtxSynchronize(void) { return 0; }
int cuCtxGetStreamPriorityRange(int *least, int *greatest) { *least = 0; *greatest = -5; return 0; }
int cuGetErrorName(int error, const char **text) { *text = "STAND_IN"; return 0; }
int cuGetErrorString(int error, const char **text) { *text = "an error of the stand-in"; return 0; }

/* Memory. */
int cuMemAlloc_v2(Address *address, size_t size) { return allocate((void **)address, size); }
int cuMemFree_v2(Address address) { free((void *)address); return 0; }
int cuMemHostAlloc(void **address, size_t size, unsigned flags) { return allocate(address, size); }
int cuMemFreeHost(void *address) { free(address); return 0; }
int cuMemHostRegister_v2(void *address, size_t size, unsigned flags) { return 0; }
int cuMemHostUnregister(void *address) { return 0; }
int cuMemGetInfo_v2(size_t *unused, size_t *total) { *unused = *total = MEMORY; return 0; }
int cuPointerGetAttribute(void *value, int attribute, Address address) {
  if (attribute == 2) *(unsigned *)value = 2; /* device memory */
  else if (attribute == 9) *(int *)value = 0; /* its device */
  else *(Address *)value = address;
  return 0;
}
int cuMemcpyHtoD_v2(Address to, const void *from, size_t size) { memcpy((void *)to, from, size); return 0; }
int cuMemcpyDtoH_v2(void *to, Address from, size_t size) { memcpy(to, (void *)from, size); return 0; }
int cuMemcpyDtoD_v2(Address to, Address from, size_t size) { memmove((void *)to, (void *)from, size); return 0; }
int cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t size, Handle s) { return cuMemcpyHtoD_v2(to, from, size); }
int cuMemcpyDtoHAsync_v2(void *to, Address from, size_t size, Handle s) { return cuMemcpyDtoH_v2(to, from, size); }
int cuMemcpyDtoDAsync_v2(Address to, Address from, size_t size, Handle s) { return cuMemcpyDtoD_v2(to, from, size); }
int cuMemcpyAsync(Address to, Address from, size_t size, Handle s) { return cuMemcpyDtoD_v2(to, from, size); }
int cuMemsetD8Async(Address to, unsigned char value, size_t count, Handle s) { memset((void *)to, value, count); return 0; }
int cuMemsetD8_v2(Address to, unsigned char value, size_t count) { return cuMemsetD8Async(to, value, count, NULL); }
int cuMemsetD32Async(Address to, unsigned value, size_t count, Handle s) {
  for (size_t i = 0; i < count; i++) ((unsigned *)to)[i] = value;
  return 0;
}
int cuMemsetD32_v2(Address to, unsigned value, size_t count) { return cuMemsetD32Async(to, value, count, NULL); }

/* Streams and events: everything is done when the call returns. */
int cuStreamCreate(Handle *s, unsigned flags) { return make(s); }
int cuStreamCreateWithPriority(Handle *s, unsigned flags, int priority) { return make(s); }
int cuStreamDestroy_v2(Handle s) { free(s); return 0; }
int cuStreamSynchronize(Handle s) { return 0; }
int cuStreamQuery(Handle s) { return 0; }
int cuStreamWaitEvent(Handle s, Handle event, unsigned flags) { return 0; }
int cuStreamGetPriority(Handle s, int *priority) { *priority = 0; return 0; }
int cuStreamIsCapturing(Handle s, int *status) { *status = 0; return 0; }
int cuLaunchHostFunc(Handle s, void (*function)(void *), void *data) { function(data); return 0; }
int cuStreamAddCallback(Handle s, void (*function)(Handle, int, void *), void *data, unsigned flags) {
  function(s, 0, data);
  return 0;
}
int cuEventCreate(Handle *event, unsigned flags) { return make(event); }
int cuEventDestroy_v2(Handle event) { free(event); return 0; }
int cuEventRecord(Handle event, Handle s) { return 0; }
int cuEventQuery(Handle event) { return 0; }
int cuEventSynchronize(Handle event) { return 0; }
int cuEventElapsedTime(float *milliseconds, Handle from, Handle to) { *milliseconds = 1; return 0; }
int cuEventElapsedTime_v2(float *milliseconds, Handle from, Handle to) { *milliseconds = 1; return 0; }

/* Kernels, which do nothing. */
int cuModuleLoadDataEx(Handle *module, const void *image, unsigned count, void *options, void **values) { return make(module); }
int cuModuleLoadData(Handle *module, const void *image) { return make(module); }
int cuModuleLoadFatBinary(Handle *module, const void *image) { return make(module); }
int cuModuleUnload(Handle module) { free(module); return 0; }
int cuModuleGetFunction(Handle *function, Handle module, const char *name) { return make(function); }
int cuModuleGetGlobal_v2(Address *address, size_t *size, Handle module, const char *name) {
  if (size) *size = 1 << 20;
  return allocate((void **)address, 1 << 20);
}
int cuFuncGetAttribute(int *value, int attribute, Handle function) { *value = attribute == 0 ? 1024 : 0; return 0; }
int cuFuncSetAttribute(Handle function, int attribute, int value) { return 0; }
int cuFuncSetCacheConfig(Handle function, int config) { return 0; }
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Handle f, int size, size_t shared) { *blocks = 1; return 0; }
int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, Handle f, int size, size_t shared, unsigned flags) {
  *blocks = 1;
  return 0;
}
int cuLaunchKernel(Handle f, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   Handle s, void **arguments, void **extra) { return 0; }
int cuLaunchKernelEx(const void *config, Handle f, void **arguments, void **extra) { return 0; }

/* The runtime library, of which the plugin uses little. */
int cudaRuntimeGetVersion(int *version) { *version = 13000; return 0; }
int cudaDriverGetVersion(int *version) { *version = 13000; return 0; }
int cudaGetDeviceCount(int *count) { *count = devices(); return 0; }
int cudaGetLastError(void) { return 0; }
int cudaPeekAtLastError(void) { return 0; }
const char *cudaGetErrorString(int error) { return "an error of the stand-in"; }
int cudaGetFuncBySymbol(Handle *function, const void *symbol) { return make(function); }
void **__cudaRegisterFatBinary(void *binary) { return calloc(1, 64); }
void __cudaRegisterFatBinaryEnd(void **handle) {}
void __cudaUnregisterFatBinary(void **handle) {}
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int threads, void *tid, void *bid,
                            void *block, void *grid, int *size) {}
void __cudaRegisterVar(void **handle, char *host, char *device, const char *name, int external, size_t size, int constant,
                       int global) {}

/* The management library. */
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, Handle *device) { *device = contexts; return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned size) { snprintf(version, size, "580.0"); return 0; }
const char *nvmlErrorString(int error) { return "not known to the stand-in"; }

/* Collectives: processes of one machine exchange through shared memory, which the group's name leads to. */
#define ROOM ((size_t)16 << 20)
#define RANKS 8

typedef struct { char name[128]; } UniqueId;
typedef struct {
  atomic_int arrived, round;
  unsigned char parts[RANKS][ROOM / RANKS];
} Shared;
typedef struct { int ranks, rank; Shared *shared; } Group;

static void meet(Group *group) {
  int round = atomic_load(&group->shared->round);
  if (atomic_fetch_add(&group->shared->arrived, 1) + 1 == group->ranks) {
    atomic_store(&group->shared->arrived, 0);
    atomic_fetch_add(&group->shared->round, 1);
  } else {
    while (atomic_load(&group->shared->round) == round) usleep(100);
  }
}

int ncclGetVersion(int *version) { *version = 22807; return 0; }
int ncclGetUniqueId(UniqueId *id) {
  static atomic_int count;
  memset(id, 0, sizeof *id);
  snprintf(id->name, sizeof id->name, "/stand-in-%d-%d", getpid(), atomic_fetch_add(&count, 1));
  return 0;
}
static int join(Group **group, int ranks, const UniqueId *id, int rank) {
  if (ranks > RANKS) return 4;
  int file = shm_open(id->name, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared))) return 2;
  Shared *shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared == MAP_FAILED) return 2;
  *group = malloc(sizeof **group);
  **group = (Group){ranks, rank, shared};
  meet(*group);
  if (rank == 0) shm_unlink(id->name); /* all have it */
  return 0;
}
int ncclCommInitRank(Group **group, int ranks, UniqueId id, int rank) { return join(group, ranks, &id, rank); }
int ncclCommInitRankConfig(Group **group, int ranks, UniqueId id, int rank, void *config) {
  return join(group, ranks, &id, rank);
}
int ncclCommInitRankScalable(Group **group, int ranks, int rank, int count, UniqueId *ids, void *config) {
  return join(group, ranks, ids, rank);
}
int ncclCommSplit(Group *parent, int color, int key, Group **group, void *config) {
  typedef struct { int color, key; UniqueId id; } Member;
  Member *members[RANKS];
  for (int rank = 0; rank < parent->ranks; rank++) members[rank] = (Member *)parent->shared->parts[rank];
  Member *own = members[parent->rank];
  own->color = color;
  own->key = key;
  ncclGetUniqueId(&own->id);
  meet(parent);
  int ranks = 0, before = 0, first = parent->rank;
  for (int rank = 0; rank < parent->ranks; rank++) {
    if (members[rank]->color != color) continue;
    ranks++;
    if (members[rank]->key < key) before++;
    if (members[rank]->key < members[first]->key) first = rank;
  }
  UniqueId id = members[first]->id;
  meet(parent); /* all have read */
  *group = NULL;
  return color < 0 ? 0 : join(group, ranks, &id, before);
}
int ncclCommDestroy(Group *group) { munmap(group->shared, sizeof(Shared)); free(group); return 0; }
int ncclCommAbort(Group *group) { return ncclCommDestroy(group); }
int ncclCommFinalize(Group *group) { return 0; }
int ncclCommGetAsyncError(Group *group, int *error) { *error = 0; return 0; }
int ncclCommCount(const Group *group, int *count) { *count = group->ranks; return 0; }
int ncclCommUserRank(const Group *group, int *rank) { *rank = group->rank; return 0; }
int ncclCommCuDevice(const Group *group, int *device) { *device = 0; return 0; }
int ncclCommRegister(Group *group, void *buffer, size_t size, Handle *handle) { return make(handle); }
int ncclCommDeregister(Group *group, Handle handle) { free(handle); return 0; }
int ncclCommWindowRegister(Group *group, void *buffer, size_t size, Handle *window, int flags) { return make(window); }
int ncclCommWindowDeregister(Group *group, Handle window) { free(window); return 0; }
int ncclGroupStart(void) { return 0; }
int ncclGroupEnd(void) { return 0; }
const char *ncclGetErrorString(int error) { return "an error of the stand-in"; }
const char *ncclGetLastError(const Group *group) { return "an error of the stand-in"; }
static size_t size_of(int type) {
  static const size_t SIZES[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1};
  return SIZES[type];
}
int ncclAllGather(const void *from, void *to, size_t count, int type, Group *group, Handle s) {
  size_t size = count * size_of(type);
  if (size > sizeof *group->shared->parts) return 4;
  memcpy(group->shared->parts[group->rank], from, size);
  meet(group);
  for (int rank = 0; rank < group->ranks; rank++) memcpy((char *)to + rank * size, group->shared->parts[rank], size);
  meet(group);
  return 0;
}
/* Sums of f32. */
int ncclAllReduce(const void *from, void *to, size_t count, int type, int operation, Group *group, Handle s) {
  size_t size = count * size_of(type);
  if (type != 7 || operation != 0 || size > sizeof *group->shared->parts) return 4;
  memcpy(group->shared->parts[group->rank], from, size);
  meet(group);
  for (size_t i = 0; i < count; i++) {
    float sum = 0;
    for (int rank = 0; rank < group->ranks; rank++) sum += ((float *)group->shared->parts[rank])[i];
    ((float *)to)[i] = sum;
  }
  meet(group);
  return 0;
}
