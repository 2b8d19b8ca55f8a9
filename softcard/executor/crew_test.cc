#include "softcard/executor/crew.h"

#include <gtest/gtest.h>

#include <atomic>
#include <ctime>

namespace axle::softcard {
namespace {

TEST(CrewTest, EveryPieceIsTakenOnce) {
  for (const int threads : {1, 2, 5}) {
    Crew crew(threads);
    std::vector<std::atomic<int>> taken(1000);
    for (int round = 1; round <= 50; ++round) {
      crew.run([&](Worker& worker, std::byte*) {
        for (std::size_t piece; (piece = worker.next(0)) < taken.size();) taken[piece].fetch_add(1);
      });
      for (const std::atomic<int>& count : taken) ASSERT_EQ(count.load(), round);
    }
  }
}

TEST(CrewTest, NothingAfterABarrierStartsBeforeEverythingInFrontOfIt) {
  Crew crew(4);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> arrived{0};
    std::atomic<bool> early{false};
    crew.run([&](Worker& worker, std::byte*) {
      for (int step = 1; step <= 5; ++step) {
        arrived.fetch_add(1);
        worker.barrier();
        if (arrived.load() < 4 * step) early = true;
        worker.barrier();
      }
    });
    ASSERT_FALSE(early.load());
  }
}

TEST(CrewTest, CallsFromSeveralThreadsTakeTurns) {
  Crew crew(2);
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 3; ++i) {
      callers.emplace_back([&] {
        for (int round = 0; round < 100; ++round) {
          crew.run([&](Worker& worker, std::byte*) {
            if (worker.index() == 0 && inside.fetch_add(1) != 0) overlapped = true;
            worker.barrier();
            if (worker.index() == 0) inside.fetch_sub(1);
          });
        }
      });
    }
  }
  EXPECT_FALSE(overlapped.load());
}

TEST(CrewTest, ProcessSharesOneCrewWhileAnybodyUsesIt) {
  const std::shared_ptr<Crew> first = Crew::shared(3);
  const std::shared_ptr<Crew> second = Crew::shared(7);
  EXPECT_EQ(first, second);
  EXPECT_EQ(second->threads(), 3);
}

TEST(CrewTest, ScratchIsAlignedAndKeepsItsPlaceWhileItSuffices) {
  Crew crew(2);
  crew.reserve(1000);
  std::byte* first = nullptr;
  crew.run([&](Worker& worker, std::byte* scratch) {
    if (worker.index() == 0) first = scratch;
  });
  crew.reserve(500);
  crew.run([&](Worker& worker, std::byte* scratch) {
    if (worker.index() != 0) return;
    EXPECT_EQ(scratch, first);
  });
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
}

TEST(CrewTest, SizeComesFromTheCallThenTheEnvironmentThenTheMachine) {
  ::setenv("AXLE_SOFTCARD_THREADS", "3", 1);
  EXPECT_EQ(crew_size(2), 2);
  EXPECT_EQ(crew_size(0), 3);
  EXPECT_EQ(crew_size(1000), Crew::kMaxThreads);
  ::setenv("AXLE_SOFTCARD_THREADS", "nonsense", 1);
  EXPECT_GE(crew_size(0), 1);
  ::unsetenv("AXLE_SOFTCARD_THREADS");
  EXPECT_GE(crew_size(0), 1);
}

}  // namespace
}  // namespace axle::softcard
