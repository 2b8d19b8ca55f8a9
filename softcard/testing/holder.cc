#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "softcard/testing/client.h"

// Takes so many MiB of the card, prints "y", and waits to be killed: holder LIBRARY MIB.
int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const axle::softcard::testing::Client client(argv[1]);
  if (!client.loaded()) return 3;
  void* memory = nullptr;
  const std::size_t bytes = std::strtoull(argv[2], nullptr, 10) << 20;
  const bool held = AX(client, axclInit)(nullptr) == 0 && AX(client, axclrtSetDevice)(1) == 0 &&
                    AX(client, axclrtMalloc)(&memory, bytes, 2) == 0;
  std::puts(held ? "y" : "n");
  std::fflush(stdout);
  while (true) ::pause();
}
