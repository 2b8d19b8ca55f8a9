#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "softcard/abi.h"

// The card's library as a program sees it: opened with dlopen, functions by name.
namespace axle::softcard::testing {

class Client {
 public:
  explicit Client(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {}

  bool loaded() const { return handle_ != nullptr; }
  static std::string error() {
    const char* text = dlerror();
    return text != nullptr ? text : "";
  }
  bool has(const char* name) const { return dlsym(handle_, name) != nullptr; }
  template <typename Function>
  Function* get(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(handle_, name));
  }

 private:
  void* handle_;  // Never closed, as real clients do.
};

}  // namespace axle::softcard::testing

// A call of a function of the ABI by its name: AX(client, axclrtMalloc)(&pointer, 4096, 2)
#define AX(client, name) ((client).get<decltype(::name)>(#name))
