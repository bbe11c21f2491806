// SPDX-License-Identifier: MIT
// Jobs: memory that libuv's pool allocates for JavaScript. A job may be queued again and again, in either of two ways.

#include "jobs.h"

#include <stdint.h>
#include <stdlib.h>
#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "check.h"

#define EXPORTED extern "C" __attribute__((visibility("default"), noinline))

namespace {

struct Job {
  uint32_t size;
  uint32_t threads;  // how many threads start each other until one allocates
  std::atomic<void*> block;
  std::atomic<bool> done;
  napi_async_work work;
  uv_work_t request;
};

// What the pool waits for between block() and unblock().
std::mutex gate_mutex;
std::condition_variable gate_change;
bool gate_closed = false;

uint32_t GetNumber(napi_env env, napi_value value) {
  uint32_t number = 0;
  if (napi_get_value_uint32(env, value, &number) != napi_ok) return 0;
  return number;
}

struct Arguments {
  Job* job;
  uint32_t size, threads;
};

Arguments GetArguments(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value values[3];
  Check(napi_get_cb_info(env, info, &count, values, nullptr, nullptr));
  void* job = nullptr;
  if (count > 0) Check(napi_get_value_external(env, values[0], &job));
  return {static_cast<Job*>(job), count > 1 ? GetNumber(env, values[1]) : 0,
          count > 2 ? GetNumber(env, values[2]) : 0};
}

}  // namespace

EXPORTED void TruthJobThread(Job* job, uint32_t threads) {
  if (threads > 0) {
    std::thread(TruthJobThread, job, threads - 1).join();
  } else {
    job->block = malloc(job->size);
  }
}

EXPORTED void TruthJobBody(Job* job) {
  if (job->threads > 0) {
    std::thread(TruthJobThread, job, job->threads - 1).join();
  } else {
    job->block = malloc(job->size);
  }
}

namespace {

void Execute(napi_env, void* data) { TruthJobBody(static_cast<Job*>(data)); }

void Complete(napi_env, napi_status, void* data) { static_cast<Job*>(data)->done = true; }

void Work(uv_work_t* request) { TruthJobBody(static_cast<Job*>(request->data)); }

void AfterWork(uv_work_t* request, int) { static_cast<Job*>(request->data)->done = true; }

// makeJob()
napi_value MakeJob(napi_env env, napi_callback_info) {
  Job* job = new Job{};
  napi_value name, result;
  Check(napi_create_string_utf8(env, "job", NAPI_AUTO_LENGTH, &name));
  Check(napi_create_async_work(env, nullptr, name, Execute, Complete, job, &job->work));
  Check(napi_create_external(env, job, nullptr, nullptr, &result));
  return result;
}

napi_value DeleteJob(napi_env env, napi_callback_info info) {
  Job* job = GetArguments(env, info).job;
  free(job->block);
  Check(napi_delete_async_work(env, job->work));
  delete job;
  return nullptr;
}

Job* Prepare(const Arguments& arguments) {
  Job* job = arguments.job;
  free(job->block.exchange(nullptr));
  job->done = false;
  job->size = arguments.size;
  job->threads = arguments.threads;
  return job;
}

// queueNapi(job, size, threads = 0)
napi_value QueueNapi(napi_env env, napi_callback_info info) {
  Check(napi_queue_async_work(env, Prepare(GetArguments(env, info))->work));
  return nullptr;
}

// queueUv(job, size, threads = 0)
napi_value QueueUv(napi_env env, napi_callback_info info) {
  Job* job = Prepare(GetArguments(env, info));
  uv_loop_t* loop = nullptr;
  Check(napi_get_uv_event_loop(env, &loop));
  job->request.data = job;
  if (uv_queue_work(loop, &job->request, Work, AfterWork) != 0) abort();
  return nullptr;
}

// cancelUv(job): whether it was still queued.
napi_value CancelUv(napi_env env, napi_callback_info info) {
  Job* job = GetArguments(env, info).job;
  napi_value result;
  const bool cancelled = uv_cancel(reinterpret_cast<uv_req_t*>(&job->request)) == 0;
  Check(napi_get_boolean(env, cancelled, &result));
  return result;
}

// isDone(job)
napi_value IsDone(napi_env env, napi_callback_info info) {
  napi_value result;
  Check(napi_get_boolean(env, GetArguments(env, info).job->done, &result));
  return result;
}

void WaitAtGate(uv_work_t*) {
  std::unique_lock<std::mutex> lock(gate_mutex);
  gate_change.wait(lock, [] { return !gate_closed; });
}

void AfterGate(uv_work_t* request, int) { delete request; }

// block(): one thread of the pool waits until unblock().
napi_value Block(napi_env env, napi_callback_info) {
  {
    const std::lock_guard<std::mutex> lock(gate_mutex);
    gate_closed = true;
  }
  uv_loop_t* loop = nullptr;
  Check(napi_get_uv_event_loop(env, &loop));
  if (uv_queue_work(loop, new uv_work_t, WaitAtGate, AfterGate) != 0) abort();
  return nullptr;
}

napi_value Unblock(napi_env, napi_callback_info) {
  {
    const std::lock_guard<std::mutex> lock(gate_mutex);
    gate_closed = false;
  }
  gate_change.notify_all();
  return nullptr;
}

constexpr struct {
  const char* name;
  napi_callback function;
} kFunctions[] = {
    {"makeJob", MakeJob}, {"deleteJob", DeleteJob}, {"queueNapi", QueueNapi},
    {"queueUv", QueueUv}, {"cancelUv", CancelUv},   {"isDone", IsDone},
    {"block", Block},     {"unblock", Unblock},
};

}  // namespace

void DefineJobs(napi_env env, napi_value exports) {
  for (const auto& [name, function] : kFunctions) {
    napi_value value;
    Check(napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value));
    Check(napi_set_named_property(env, exports, name, value));
  }
}
