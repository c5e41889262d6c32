#ifndef MLOS_BASE_BLOCK_SIGNALS_H_
#define MLOS_BASE_BLOCK_SIGNALS_H_

#include <pthread.h>

#include <csignal>

namespace mlos {

/// While it lives, threads that the caller starts take no signals: such a thread is a guest in its
/// process, and no signal handler of the host may run on it.
class BlockAllSignals {
 public:
  BlockAllSignals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  BlockAllSignals(const BlockAllSignals&) = delete;
  BlockAllSignals& operator=(const BlockAllSignals&) = delete;
  ~BlockAllSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace mlos

#endif  // MLOS_BASE_BLOCK_SIGNALS_H_
