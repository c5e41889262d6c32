#ifndef MLOS_ORT_MODEL_H_
#define MLOS_ORT_MODEL_H_

#include <memory>

#include "base/freed_memory.h"
#include "engine/runner.h"
#include "ort/library.h"

namespace mlos {

/// What all contexts of a model share; does not change once it is loaded.
struct OrtModel {
  OrtModel() = default;
  OrtModel(const OrtModel&) = delete;
  OrtModel& operator=(const OrtModel&) = delete;
  ~OrtModel() {
    session.reset();
    ReturnFreedMemory();
  }

  // Declared first: it outlives the session.
  std::shared_ptr<OrtLibrary> library;
  OrtOwned<OrtSession> session;
  ModelSignature signature;
};

}  // namespace mlos

#endif  // MLOS_ORT_MODEL_H_
