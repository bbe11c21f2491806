// SPDX-License-Identifier: MIT
// A program that does what profiled programs do in spite of what a profiler would like:
// `hostile PART [arguments]`. Each part checks itself, and ends with 0 and a line of JSON that says
// what it allocated, as far as it can know.

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

#define REQUIRE(condition)                                                              \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
      _exit(99);                                                                        \
    }                                                                                   \
  } while (false)

std::atomic<long> allocations{0}, frees{0}, bytes{0};

// The compiler must not pair an allocation with its free and drop both.
void* volatile sink;

void* Get(size_t size) {
  void* block = malloc(size);
  REQUIRE(block != nullptr);
  sink = block;
  allocations.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(static_cast<long>(size), std::memory_order_relaxed);
  return block;
}

void Put(void* block) {
  if (block == nullptr) return;
  frees.fetch_add(1, std::memory_order_relaxed);
  free(block);
}

void Churn(unsigned seed, int rounds) {
  std::minstd_rand random(seed + 1);
  void* blocks[16] = {};
  for (int i = 0; i < rounds; i++) {
    void*& block = blocks[random() % 16];
    Put(block);
    block = Get(1 + random() % 500);
  }
  for (void* block : blocks) Put(block);
}

int Done() {
  printf("{\"allocations\":%ld,\"frees\":%ld,\"bytes\":%ld}\n", allocations.load(), frees.load(),
         bytes.load());
  fflush(stdout);
  return 0;
}

void Join(std::vector<std::thread>* threads) {
  for (std::thread& thread : *threads) thread.join();
}

long Argument(int argc, char** argv, int i, long otherwise) {
  return i < argc ? atol(argv[i]) : otherwise;
}

// --- Order: blocks wander between threads, each address is used again at once. ---

int Exchange(int argc, char** argv) {
  const long threads = Argument(argc, argv, 2, 8);
  const long rounds = Argument(argc, argv, 3, 200'000);
  static std::atomic<void*> places[64];
  std::vector<std::thread> workers;
  for (long t = 0; t < threads; t++) {
    workers.emplace_back([=] {
      std::minstd_rand random(static_cast<unsigned>(t + 1));
      for (long i = 0; i < rounds; i++) {
        void* block = nullptr;
        switch (random() % 8) {
          case 0:
            break;
          case 1: {
            // realloc moves or stays; either way the old block is gone.
            void* old = places[random() % 64].exchange(nullptr);
            const size_t size = 1 + random() % 3000;
            block = realloc(old, size);
            REQUIRE(block != nullptr);
            allocations.fetch_add(1, std::memory_order_relaxed);
            bytes.fetch_add(static_cast<long>(size), std::memory_order_relaxed);
            if (old != nullptr) frees.fetch_add(1, std::memory_order_relaxed);
            break;
          }
          default:
            // Few sizes, so that addresses come back soon.
            block = Get(16 << random() % 3);
        }
        Put(places[random() % 64].exchange(block));
      }
    });
  }
  Join(&workers);
  for (std::atomic<void*>& place : places) Put(place.exchange(nullptr));
  return Done();
}

// --- Threads: thousands that live for microseconds. ---

int ThreadStorm(int argc, char** argv) {
  const long total = Argument(argc, argv, 2, 5000);
  const long stack = Argument(argc, argv, 3, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (stack > 0) REQUIRE(pthread_attr_setstacksize(&attributes, static_cast<size_t>(stack)) == 0);
  constexpr long kWave = 50;
  for (long at = 0; at < total; at += kWave) {
    pthread_t threads[kWave];
    for (pthread_t& thread : threads) {
      const auto body = [](void* seed) -> void* {
        Churn(static_cast<unsigned>(reinterpret_cast<uintptr_t>(seed)), 20);
        return Get(40);
      };
      REQUIRE(pthread_create(&thread, &attributes, body, reinterpret_cast<void*>(at)) == 0);
    }
    for (pthread_t& thread : threads) {
      void* left = nullptr;
      pthread_join(thread, &left);
      Put(left);
    }
  }
  return Done();
}

// --- Processes ---

int ForkStorm(int argc, char** argv) {
  const long children = Argument(argc, argv, 2, 100);
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < 4; t++) {
    workers.emplace_back([&, t] {
      while (!stop) Churn(t, 500);
    });
  }
  for (long i = 0; i < children; i++) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // Not only what is safe here: many programs go on for long.
      Churn(static_cast<unsigned>(i), 200);
      std::thread([] { Churn(1, 100); }).join();
      if (i % 3 == 0) _exit(7);
      if (i % 3 == 1) exit(7);
      std::quick_exit(7);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
  stop = true;
  Join(&workers);
  return Done();
}

int WaitFor(pid_t child) {
  int status = -1;
  REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

[[gnu::noinline]] pid_t VforkAndExec() {
  const pid_t child = vfork();
  if (child == 0) {
    execl("/bin/true", "true", nullptr);
    _exit(98);
  }
  return child;
}

[[gnu::noinline]] pid_t VforkAndExit() {
  const pid_t child = vfork();
  if (child == 0) _exit(3);
  return child;
}

int Spawn(int, char**) {
  for (unsigned i = 0; i < 20; i++) {
    Churn(i, 50);
    REQUIRE(WaitFor(VforkAndExec()) == 0);
    // A vfork child that ends by itself must not end its parent's recording.
    REQUIRE(WEXITSTATUS(WaitFor(VforkAndExit())) == 3);
    pid_t spawned = 0;
    char name[] = "true";
    char* arguments[] = {name, nullptr};
    REQUIRE(posix_spawn(&spawned, "/bin/true", nullptr, nullptr, arguments, environ) == 0);
    REQUIRE(WaitFor(spawned) == 0);
    REQUIRE(system("true") == 0);
  }
  return Done();
}

int Exec(int argc, char** argv) {
  Churn(1, 1000);
  if (argc > 2) execl("/proc/self/exe", argv[0], "exec", nullptr);
  return Done();
}

int Daemon(int argc, char** argv) {
  REQUIRE(argc > 2);
  Churn(1, 1000);
  REQUIRE(daemon(0, 0) == 0);
  // The daemon is a forked child: it is not the process that was recorded. It tells by a file.
  std::thread([] { Churn(2, 1000); }).join();
  FILE* out = fopen(argv[2], "w");
  REQUIRE(out != nullptr);
  fprintf(out, "alive\n");
  fclose(out);
  return 0;
}

// --- Descriptors: everything is closed, and other files get the numbers. ---

int CloseAll(int argc, char** argv) {
  REQUIRE(argc > 2);
  const long limit = Argument(argc, argv, 3, 1000);
  const std::string folder = argv[2];
  Churn(1, 1000);
  for (int round = 0; round < 3; round++) {
    for (int fd = 3; fd < limit; fd++) close(fd);
    std::vector<int> files;
    for (int i = 0; i < 30; i++) {
      const std::string path = folder + "/own-" + std::to_string(i);
      const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
      REQUIRE(fd >= 0);
      REQUIRE(write(fd, "mine", 4) == 4);
      files.push_back(fd);
    }
    // More numbers for the same files, wherever somebody may still expect another one.
    for (int fd = files.back() + 1; fd < limit; fd += 7)
      dup2(files[static_cast<size_t>(fd) % 30], fd);
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < 8; t++) workers.emplace_back([t] { Churn(t, 20'000); });
    Join(&workers);
    usleep(150'000);
    for (const int fd : files) {
      struct stat status;
      REQUIRE(fstat(fd, &status) == 0 && status.st_size == 4);
      char text[4];
      REQUIRE(pread(fd, text, 4, 0) == 4 && memcmp(text, "mine", 4) == 0);
    }
  }
  return Done();
}

int FewDescriptors(int argc, char** argv) {
  const long limit = Argument(argc, argv, 2, 10);
  const rlimit low = {static_cast<rlim_t>(limit), static_cast<rlim_t>(limit)};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < 8; t++) workers.emplace_back([t] { Churn(t, 20'000); });
  Join(&workers);
  // Exactly as many as the limit leaves.
  long open_now = 0;
  for (int fd = 0; fd < limit; fd++) open_now += fcntl(fd, F_GETFD) != -1;
  long more = 0;
  while (open("/dev/null", O_RDONLY) >= 0) more++;
  REQUIRE(open_now + more == limit);
  REQUIRE(errno == EMFILE);
  return Done();
}

// --- Signals ---

std::atomic<long> handled{0};

void AllocatingHandler(int) {
  const int saved = errno;
  void* block = malloc(64);
  sink = block;
  free(block);
  void* pages = mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  REQUIRE(munmap(pages, 8192) == 0);
  handled++;
  errno = saved;
}

void Every(long microseconds, void (*handler)(int), int flags = SA_RESTART) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

// The handler allocates; what it interrupts does not, but maps memory, which a handler may
// interrupt and use itself.
int Signals(int argc, char** argv) {
  const long wanted = Argument(argc, argv, 2, 500);
  Every(1000, AllocatingHandler);
  while (handled < wanted) {
    void* pages = mmap(nullptr, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    REQUIRE(mprotect(pages, 4096, PROT_READ | PROT_WRITE) == 0);
    REQUIRE(madvise(pages, 4096, MADV_DONTNEED) == 0);
    REQUIRE(munmap(pages, 65536) == 0);
  }
  Every(0, SIG_IGN);
  return Done();
}

int AlternateStack(int, char**) {
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < 4; t++) {
    workers.emplace_back([t] {
      stack_t alternate = {};
      alternate.ss_size = 16384;
      alternate.ss_sp = Get(alternate.ss_size);
      REQUIRE(sigaltstack(&alternate, nullptr) == 0);
      struct sigaction action = {};
      action.sa_handler = AllocatingHandler;
      action.sa_flags = SA_ONSTACK;
      sigaction(SIGUSR1, &action, nullptr);
      for (int i = 0; i < 200; i++) {
        Churn(t, 5);
        raise(SIGUSR1);
      }
      stack_t off = {};
      off.ss_flags = SS_DISABLE;
      REQUIRE(sigaltstack(&off, nullptr) == 0);
      Put(alternate.ss_sp);
    });
  }
  Join(&workers);
  return Done();
}

sigjmp_buf jump;
std::atomic<bool> may_jump{false};

void JumpingHandler(int) {
  if (may_jump) siglongjmp(jump, 1);
}

// A handler leaves mapping calls by longjmp, so that whoever hooked them is never returned to.
// Other threads need to get on all the same, longer than any buffer lasts.
int Jump(int, char**) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  std::atomic<long> done{0};
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
  for (unsigned t = 0; t < 2; t++) {
    workers.emplace_back([&, t] {
      while (!stop) {
        Churn(t, 1000);
        done++;
      }
    });
  }
  pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
  Every(700, JumpingHandler, 0);
  volatile int jumps = 0;
  if (sigsetjmp(jump, 1) != 0) jumps = jumps + 1;
  may_jump = true;
  while (jumps < 300) {
    void* pages = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages != MAP_FAILED) munmap(pages, 4096);
  }
  may_jump = false;
  Every(0, SIG_IGN);
  const long before = done;
  while (done < before + 300) usleep(1000);
  stop = true;
  Join(&workers);
  return Done();
}

void ExitingHandler(int) {
  _exit(5);
}

int ExitInHandler(int argc, char** argv) {
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < 2; t++) workers.emplace_back([t] { Churn(t, 1 << 30); });
  struct sigaction action = {};
  action.sa_handler = ExitingHandler;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer = {{0, 0}, {0, Argument(argc, argv, 2, 20'000)}};
  setitimer(ITIMER_REAL, &timer, nullptr);
  Churn(9, 1 << 30);
  return 1;
}

// --- Threads that end in unusual ways ---

int Cancel(int, char**) {
  for (int i = 0; i < 200; i++) {
    pthread_t thread;
    const auto body = [](void* kind) -> void* {
      if (kind != nullptr) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
      while (true) {
        // Asynchronous: only what may be cancelled anywhere.
        void* pages = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (kind == nullptr) Put(Get(100));
        if (pages != MAP_FAILED) munmap(pages, 4096);
        if (kind == nullptr) pthread_testcancel();
      }
    };
    void* const kind = i % 2 == 0 ? nullptr : &jump;
    REQUIRE(pthread_create(&thread, nullptr, body, kind) == 0);
    usleep(static_cast<useconds_t>(i * 7 % 1000));
    pthread_cancel(thread);
    REQUIRE(pthread_join(thread, nullptr) == 0);
    Churn(static_cast<unsigned>(i), 100);
  }
  return Done();
}

int MainLeaves(int, char**) {
  std::thread([] {
    usleep(50'000);
    Churn(1, 100'000);
    Done();
    exit(0);
  }).detach();
  Churn(2, 1000);
  pthread_exit(nullptr);
}

// --- The end: destructors that run after everyone else's. ---

struct Late {
  ~Late() {
    Churn(3, 100);
    Put(kept);
    std::thread([] { Churn(4, 100); }).join();
  }
  void* kept = Get(1000);
};
Late late;
thread_local Late late_of_thread;

[[gnu::destructor]] void VeryLate() {
  Churn(5, 100);
}

int Destructors(int, char**) {
  atexit([] { Churn(6, 100); });
  sink = late_of_thread.kept;
  std::thread([] { sink = late_of_thread.kept; }).join();
  return Done();
}

// --- Libraries ---

int Libraries(int argc, char** argv) {
  REQUIRE(argc > 2);
  const long rounds = Argument(argc, argv, 3, 200);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) Churn(1, 100);
  });
  for (long i = 0; i < rounds; i++) {
    void* library = dlopen(argv[2], RTLD_NOW);
    REQUIRE(library != nullptr);
    auto allocate = reinterpret_cast<void* (*)(size_t)>(dlsym(library, "plugin_allocate"));
    if (allocate != nullptr) free(allocate(100));
    REQUIRE(dlclose(library) == 0);
  }
  stop = true;
  other.join();
  return Done();
}

// --- Work without an end ---

struct Progress {
  std::atomic<long> allocations, frees, bytes;
};

// Counts each step in a file after it was done, so that whoever kills this knows.
int Endless(int argc, char** argv) {
  REQUIRE(argc > 2);
  const int fd = open(argv[2], O_RDWR | O_CREAT, 0600);
  REQUIRE(fd >= 0 && ftruncate(fd, 4096) == 0);
  auto* progress =
      static_cast<Progress*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  const long threads = Argument(argc, argv, 3, 3);
  std::vector<std::thread> workers;
  for (long t = 0; t < threads; t++) {
    workers.emplace_back([=] {
      std::minstd_rand random(static_cast<unsigned>(t + 1));
      void* blocks[256] = {};
      while (true) {
        void*& block = blocks[random() % 256];
        if (block != nullptr) {
          free(block);
          progress->frees++;
        }
        const size_t size = 1 + random() % 1000;
        block = malloc(size);
        progress->bytes += static_cast<long>(size);
        progress->allocations++;
      }
    });
  }
  Join(&workers);
  return 0;
}

// Enough events to fill a small disk.
int Fill(int argc, char** argv) {
  const long rounds = Argument(argc, argv, 2, 400'000);
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < 2; t++) {
    workers.emplace_back([=] { Churn(t, static_cast<int>(rounds)); });
  }
  Join(&workers);
  return Done();
}

// As services do: starts as root, then works as nobody, in a folder of its own.
int DropPrivileges(int argc, char** argv) {
  REQUIRE(argc > 2);
  Churn(1, 1000);
  REQUIRE(chroot(argv[2]) == 0 && chdir("/") == 0);
  REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < 8; t++) workers.emplace_back([t] { Churn(t, 20'000); });
  Join(&workers);
  return Done();
}

// Little address space: allocations fail, and the program copes. Many small blocks: whoever keeps a
// book of them runs out, too.
int LittleMemory(int argc, char** argv) {
  const rlim_t limit = static_cast<rlim_t>(Argument(argc, argv, 2, 200)) << 20;
  const rlimit low = {limit, limit};
  REQUIRE(setrlimit(RLIMIT_AS, &low) == 0);
  for (int round = 0; round < 3; round++) {
    void** list = nullptr;
    while (true) {
      void** block = static_cast<void**>(malloc(48));
      if (block == nullptr) break;
      *block = list;
      list = block;
    }
    REQUIRE(errno == ENOMEM);
    while (list != nullptr) {
      void** const next = static_cast<void**>(*list);
      free(list);
      list = next;
    }
  }
  _exit(Done());  // destructors start a thread, for which there may be no room
}

struct Part {
  const char* name;
  int (*run)(int argc, char** argv);
};

constexpr Part kParts[] = {
    {"alternate-stack", AlternateStack},
    {"cancel", Cancel},
    {"close-all", CloseAll},
    {"daemon", Daemon},
    {"destructors", Destructors},
    {"drop-privileges", DropPrivileges},
    {"endless", Endless},
    {"exchange", Exchange},
    {"exec", Exec},
    {"exit-in-handler", ExitInHandler},
    {"few-descriptors", FewDescriptors},
    {"fill", Fill},
    {"fork-storm", ForkStorm},
    {"jump", Jump},
    {"libraries", Libraries},
    {"little-memory", LittleMemory},
    {"main-leaves", MainLeaves},
    {"signals", Signals},
    {"spawn", Spawn},
    {"thread-storm", ThreadStorm},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Part& part : kParts) {
    if (argc > 1 && strcmp(part.name, argv[1]) == 0) return part.run(argc, argv);
  }
  fprintf(stderr, "usage: hostile PART [arguments]\n");
  return 2;
}
