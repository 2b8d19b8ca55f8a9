#include "api/sdcpp/job_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace axle::api::sdcpp {
namespace {

std::shared_ptr<Job> add(JobStore& store, bool ended) {
  const auto job =
      std::make_shared<Job>(store.new_id(), pictures::Output{}, true, std::vector<std::string>{});
  store.add(job);
  if (ended) job->on_end({});
  return job;
}

TEST(JobStoreTest, JobsAreFoundByTheirName) {
  JobStore store;
  const auto job = add(store, false);
  EXPECT_EQ(store.find(job->id()), job);
  EXPECT_EQ(store.find("job_0"), nullptr);
  EXPECT_FALSE(store.is_gone("job_0"));
  EXPECT_NE(store.new_id(), store.new_id());
}

TEST(JobStoreTest, TheOldestEndedJobsGoWhenThereAreTooMany) {
  JobStore store({.ended = 2});
  const auto running = add(store, false);
  const auto first = add(store, true);
  const auto second = add(store, true);
  const auto third = add(store, true);
  EXPECT_EQ(store.find(first->id()), nullptr);
  EXPECT_TRUE(store.is_gone(first->id()));
  EXPECT_NE(store.find(second->id()), nullptr);
  EXPECT_NE(store.find(third->id()), nullptr);
  EXPECT_NE(store.find(running->id()), nullptr);
}

TEST(JobStoreTest, EndedJobsGoAfterTheirTime) {
  JobStore store({.keep = std::chrono::seconds(-1)});
  const auto job = add(store, true);
  EXPECT_EQ(store.find(job->id()), nullptr);
  EXPECT_TRUE(store.is_gone(job->id()));
}

TEST(JobStoreTest, NamesOfJobsThatAreGoneAreForgottenInTheEnd) {
  JobStore store({.keep = std::chrono::seconds(-1), .remembered = 1});
  const auto first = add(store, true);
  const auto second = add(store, true);
  EXPECT_EQ(store.find(second->id()), nullptr);
  EXPECT_FALSE(store.is_gone(first->id()));
  EXPECT_TRUE(store.is_gone(second->id()));
}

TEST(JobStoreTest, FilesOfEndedJobsAreBounded) {
  JobStore store({.bytes = 10});
  const auto job = add(store, false);
  job->on_picture({0, 1, 0, *image::make_picture({4, 4}, 3), "", 1, false, {}});
  EXPECT_GT(job->bytes(), 10u);
  EXPECT_NE(store.find(job->id()), nullptr);
  job->on_end({});
  EXPECT_EQ(store.find(job->id()), nullptr);
}

}  // namespace
}  // namespace axle::api::sdcpp
