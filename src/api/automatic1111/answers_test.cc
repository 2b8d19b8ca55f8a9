#include "api/automatic1111/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace axle::api::automatic1111 {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

const ModelEntry kDemo = {"demo", "0123456789abcdef", "demo"};

PaintPlan plan_of_four() {
  PaintPlan plan;
  plan.order.width = 512;
  plan.order.height = 768;
  plan.order.steps = 4;
  plan.notes = {"steps: 20 asked, 4 done"};
  return plan;
}

json::value painted(const Request& request, const PaintPlan& plan) {
  const std::vector<PaintedPicture> pictures = {{"ABC", "text 1", 42, 7, 4, {512, 768}},
                                                {"DEF", "text 2", 43, 8, 4, {512, 768}}};
  return json::parse(painted_json(request, plan, pictures, {kDemo, "20260101235959", "axle 0.1"}));
}

std::vector<std::string> keys(const json::object& object) {
  std::vector<std::string> names;
  for (const auto& [key, value] : object) names.emplace_back(key);
  return names;
}

TEST(PaintedAnswerTest, HasPicturesParametersInfoAndNotes) {
  Request request;
  request.parameters_json = R"({"steps":20})";
  const json::value answer = painted(request, plan_of_four());
  EXPECT_EQ(answer.at("images"), (json::array{"QUJD", "REVG"}));
  EXPECT_EQ(answer.at("parameters"), (json::object{{"steps", 20}}));
  EXPECT_EQ(answer.at("notes"), json::array{"steps: 20 asked, 4 done"});
  EXPECT_TRUE(answer.at("info").is_string());
}

TEST(PaintedAnswerTest, PicturesAreLeftOutWhereTheyAreNotWanted) {
  Request request;
  request.send_images = false;
  EXPECT_EQ(painted(request, plan_of_four()).at("images"), json::array());
}

TEST(PaintedAnswerTest, InfoIsJsonWithAllItsFields) {
  Request request;
  request.prompt = "a \"cat\"";
  request.negative_prompt = "dogs";
  request.batch_size = 2;
  const json::value info =
      json::parse(painted(request, plan_of_four()).at("info").get_string().c_str());
  const json::value wanted = json::parse(R"({
    "prompt":"a \"cat\"","all_prompts":["a \"cat\"","a \"cat\""],
    "negative_prompt":"dogs","all_negative_prompts":["dogs","dogs"],
    "seed":42,"all_seeds":[42,43],"subseed":7,"all_subseeds":[7,8],"subseed_strength":0.0,
    "width":512,"height":768,"sampler_name":"LCM","cfg_scale":1.0,"steps":4,"batch_size":2,
    "restore_faces":false,"face_restoration_model":null,"sd_model_name":"demo",
    "sd_model_hash":"0123456789","sd_vae_name":null,"sd_vae_hash":null,
    "seed_resize_from_w":-1,"seed_resize_from_h":-1,"denoising_strength":null,
    "extra_generation_params":{},"index_of_first_image":0,"infotexts":["text 1","text 2"],
    "styles":[],"job_timestamp":"20260101235959","clip_skip":1,
    "is_using_inpainting_conditioning":false,"version":"axle 0.1",
    "notes":["steps: 20 asked, 4 done"]})");
  EXPECT_EQ(info, wanted) << info;
}

TEST(PaintedAnswerTest, StrengthIsToldOfPicturesThatBeganWithOne) {
  PaintPlan plan = plan_of_four();
  plan.from_picture = true;
  plan.order.strength = 0.5;
  const json::value info = json::parse(painted(Request{}, plan).at("info").get_string().c_str());
  EXPECT_EQ(info.at("denoising_strength"), 0.5);
}

TEST(PaintedAnswerTest, NoPicturesAfterAnInterruptIsAnAnswer) {
  const json::value answer =
      json::parse(painted_json(Request{}, plan_of_four(), {}, {kDemo, "0", "axle"}));
  EXPECT_EQ(answer.at("images"), json::array());
  EXPECT_EQ(json::parse(answer.at("info").get_string().c_str()).at("seed"), -1);
}

TEST(OptionsTest, HaveWhatClientsRead) {
  const json::value options = json::parse(options_json({"demo [0123456789]", "0123", "webp"}));
  EXPECT_THAT(keys(options.get_object()),
              ElementsAre("sd_model_checkpoint", "sd_checkpoint_hash", "samples_format", "sd_vae",
                          "CLIP_stop_at_last_layers", "show_progress_every_n_steps",
                          "live_previews_enable", "randn_source", "enable_pnginfo"));
  EXPECT_EQ(options.at("sd_model_checkpoint"), "demo [0123456789]");
  EXPECT_EQ(options.at("samples_format"), "webp");
  EXPECT_EQ(options.at("sd_vae"), "None");
  EXPECT_EQ(options.at("CLIP_stop_at_last_layers"), 1);
}

TEST(OptionsTest, WholeObjectMayComeBack) {
  const Result<OptionsChange> change =
      parse_options(options_json({"demo [0123456789]", "0123", "jpg"}));
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->model_title, "demo [0123456789]");
  EXPECT_EQ(change->samples_format, "jpg");
  EXPECT_TRUE(change->notes.empty());
}

TEST(OptionsTest, UnknownOnesAreIgnoredAndOddValuesReplaced) {
  const Result<OptionsChange> change = parse_options(R"({"x":1,"samples_format":"avif"})");
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->model_title, std::nullopt);
  EXPECT_EQ(change->samples_format, "png");
  EXPECT_THAT(change->notes, ElementsAre(HasSubstr("avif asked, png done")));
}

TEST(OptionsTest, BodyThatIsNoObjectIsRefused) {
  EXPECT_EQ(parse_options("[]").status().code(), Code::kInvalidArgument);
}

TEST(OptionsTest, AnswerIsNullUnlessThereIsSomethingToTell) {
  EXPECT_EQ(options_changed_json({}), "null");
  EXPECT_EQ(options_changed_json({"a"}), R"({"notes":["a"]})");
}

TEST(OptionsTest, AnUnknownModelIsARuntimeError) {
  const ErrorAnswer answer = unknown_model_error("x");
  EXPECT_EQ(answer.http_status, 500);
  EXPECT_EQ(json::parse(answer.body), json::parse(R"({"error":"RuntimeError","detail":"","body":"",
                            "errors":"Unknown checkpoint: x"})"));
}

TEST(ModelsTest, TitleIsNameAndShortHash) {
  const json::value models = json::parse(models_json({kDemo, {"plain", "", "p"}}));
  const json::value wanted = json::parse(R"([
    {"title":"demo [0123456789]","model_name":"demo","hash":"0123456789",
     "sha256":"0123456789abcdef","filename":"demo","config":null},
    {"title":"plain","model_name":"plain","hash":null,"sha256":null,"filename":"p","config":null}
  ])");
  EXPECT_EQ(models, wanted);
}

TEST(FixedAnswersTest, EveryListIsJsonOfItsShape) {
  const auto answer = [](std::string_view name) {
    const std::string text(fixed_answer(name).value_or("missing"));
    return json::parse(text);
  };
  for (const char* empty : {"sd-vae", "loras", "hypernetworks", "face-restorers",
                            "realesrgan-models", "prompt-styles", "script-info", "extensions"}) {
    EXPECT_EQ(answer(empty), json::array()) << empty;
  }
  EXPECT_THAT(keys(answer("samplers").at(0).get_object()),
              ElementsAre("name", "aliases", "options"));
  EXPECT_EQ(answer("samplers").at(0).at("name"), "LCM");
  EXPECT_THAT(keys(answer("schedulers").at(0).get_object()),
              ElementsAre("name", "label", "aliases", "default_rho", "need_inner_model"));
  EXPECT_EQ(answer("upscalers").at(0).at("name"), "None");
  EXPECT_THAT(keys(answer("upscalers").at(0).get_object()),
              ElementsAre("name", "model_name", "model_path", "model_url", "scale"));
  EXPECT_EQ(answer("latent-upscale-modes").get_array().size(), 6u);
  EXPECT_EQ(answer("latent-upscale-modes").at(5).at("name"), "Latent (nearest-exact)");
  EXPECT_EQ(answer("embeddings"), json::parse(R"({"loaded":{},"skipped":{}})"));
  EXPECT_EQ(answer("scripts"), json::parse(R"({"txt2img":[],"img2img":[]})"));
  EXPECT_EQ(fixed_answer("other"), std::nullopt);
}

TEST(CommandFlagsTest, DoNotTellPasswords) {
  EXPECT_EQ(
      json::parse(command_flags_json({7861, true, true})),
      json::parse(R"({"api":true,"port":7861,"listen":true,"api_auth":"***","nowebui":true})"));
  EXPECT_TRUE(json::parse(command_flags_json({})).at("api_auth").is_null());
}

TEST(MemoryTest, CardStandsWhereA1111HasItsGpu) {
  const json::value memory = json::parse(memory_json({1, 2, 3}, MemoryUse{4, 5, 9}));
  EXPECT_EQ(memory, json::parse(R"({"ram":{"free":1,"used":2,"total":3},
    "cuda":{"system":{"free":4,"used":5,"total":9},"active":{"current":5,"peak":5},
            "allocated":{"current":5,"peak":5},"reserved":{"current":5,"peak":5},
            "inactive":{"current":0,"peak":0},"events":{"retries":0,"oom":0}}})"));
  EXPECT_EQ(json::parse(memory_json({}, std::nullopt)).at("cuda"),
            json::parse(R"({"error":"unavailable"})"));
}

TEST(ProgressTest, IdleIsZero) {
  EXPECT_EQ(json::parse(progress_json({})), json::parse(R"({
    "progress":0.0,"eta_relative":0.0,
    "state":{"skipped":false,"interrupted":false,"stopping_generation":false,"job":"",
             "job_count":0,"job_timestamp":"0","job_no":0,"sampling_step":0,"sampling_steps":0},
    "current_image":null,"textinfo":null,"current_task":null})"));
}

TEST(ProgressTest, ShareGrowsWithPicturesAndSteps) {
  Progress progress;
  progress.job_count = 2;
  EXPECT_DOUBLE_EQ(progress_share(progress), 0.01);
  progress.steps = 4;
  progress.step = 2;
  EXPECT_DOUBLE_EQ(progress_share(progress), 0.26);
  progress.job_no = 1;
  EXPECT_DOUBLE_EQ(progress_share(progress), 0.76);
  progress.step = 4;
  EXPECT_DOUBLE_EQ(progress_share(progress), 1.0) << "at most";
}

TEST(ProgressTest, RunningTellsItsStateAndPreview) {
  Progress progress;
  progress.task = Task::kImg2img;
  progress.job_count = 1;
  progress.step = 1;
  progress.steps = 4;
  progress.elapsed = std::chrono::duration<double>(2.6);
  progress.job_timestamp = "20260101235959";
  progress.task_id = "task-1";
  progress.preview = "ABC";
  progress.interrupted = true;
  const json::value answer = json::parse(progress_json(progress));
  EXPECT_DOUBLE_EQ(answer.at("progress").as_double(), 0.26);
  EXPECT_NEAR(answer.at("eta_relative").as_double(), 2.6 / 0.26 - 2.6, 1e-9);
  EXPECT_EQ(answer.at("state").at("job"), "scripts_img2img");
  EXPECT_EQ(answer.at("state").at("interrupted"), true);
  EXPECT_EQ(answer.at("current_image"), "QUJD");
  EXPECT_EQ(answer.at("current_task"), "task-1");
}

TEST(TaskProgressTest, OneThatIsPaintedTellsItsShareAndPreview) {
  TaskProgress task;
  task.active = true;
  task.progress = Progress{};
  task.progress->job_count = 1;
  task.progress->step = 1;
  task.progress->steps = 4;
  task.progress->elapsed = std::chrono::duration<double>(2.6);
  task.progress->preview = "ABC";
  task.preview_id = 1;
  const json::value answer = json::parse(task_progress_json(task));
  EXPECT_EQ(answer.at("active"), true);
  EXPECT_DOUBLE_EQ(answer.at("progress").as_double(), 0.26);
  EXPECT_NEAR(answer.at("eta").as_double(), 2.6 / 0.26 - 2.6, 1e-9);
  EXPECT_EQ(answer.at("live_preview"), "data:image/png;base64,QUJD");
  EXPECT_EQ(answer.at("id_live_preview"), 1);
}

TEST(TaskProgressTest, OneThatIsUnknownIsNothing) {
  EXPECT_EQ(json::parse(task_progress_json({})), json::parse(R"({
    "active":false,"queued":false,"completed":false,"progress":null,"eta":null,
    "live_preview":null,"id_live_preview":-1,"textinfo":null})"));
}

TEST(TaskProgressTest, QuestionsHaveATaskAndThePreviewThatIsKnown) {
  const Result<TaskQuestion> question =
      parse_task_question(R"({"id_task":"task-a","id_live_preview":3,"live_preview":false})");
  ASSERT_TRUE(question.ok());
  EXPECT_EQ(question->task_id, "task-a");
  EXPECT_EQ(question->preview_id, 3);
  EXPECT_FALSE(question->wants_preview);
  EXPECT_EQ(parse_task_question("")->preview_id, -1);
  EXPECT_EQ(parse_task_question("[]").status().code(), Code::kInvalidArgument);
}

TEST(PngInfoTest, TellsTheTextItsPartsAndTheOtherTexts) {
  image::Metadata metadata;
  metadata.parameters = "a cat\nSteps: 4, Sampler: LCM, Seed: 42, Size: 512x768";
  metadata.items = {{"parameters", metadata.parameters}, {"Software", "axle"}};
  const json::value answer = json::parse(png_info_json(metadata));
  EXPECT_EQ(answer.at("info").get_string(), metadata.parameters.c_str());
  EXPECT_EQ(answer.at("items"), json::parse(R"({"Software":"axle"})"));
  EXPECT_EQ(answer.at("parameters").at("Prompt"), "a cat");
  EXPECT_EQ(answer.at("parameters").at("Seed"), "42");
  EXPECT_EQ(answer.at("parameters").at("Size-2"), "768");
  EXPECT_EQ(answer.at("parameters").at("Masked area padding"), 32);
}

TEST(PngInfoTest, FileWithoutTextsHasAnEmptyOne) {
  const json::value answer = json::parse(png_info_json({}));
  EXPECT_EQ(answer.at("info"), "");
  EXPECT_EQ(answer.at("items"), json::object());
}

TEST(ErrorAnswerTest, HasTheShapeOfA1111) {
  const ErrorAnswer answer = error_answer(not_found("Init image not found"));
  EXPECT_EQ(answer.http_status, 404);
  EXPECT_EQ(json::parse(answer.body),
            json::parse(R"({"error":"HTTPException","detail":"Init image not found","body":"",
                            "errors":""})"));
}

TEST(ErrorAnswerTest, BodyThatCannotBeReadIsThatOfFastApi) {
  const ErrorAnswer answer = error_answer(invalid_argument("no JSON"));
  EXPECT_EQ(answer.http_status, 422);
  EXPECT_EQ(json::parse(answer.body), json::parse(R"({"detail":[{"loc":["body"],"msg":"no JSON",
                                       "type":"value_error.jsondecode"}]})"));
}

TEST(ErrorAnswerTest, EveryFailureHasItsStatus) {
  EXPECT_EQ(error_answer(corrupt("Invalid encoded image")).http_status, 500);
  EXPECT_EQ(error_answer(unsupported("x")).http_status, 500);
  EXPECT_EQ(error_answer(internal("x")).http_status, 500);
  EXPECT_EQ(error_answer(cancelled("x")).http_status, 409);
  EXPECT_EQ(error_answer(exhausted("x")).http_status, 429);
  EXPECT_EQ(error_answer(unavailable("x")).http_status, 503);
  EXPECT_EQ(error_answer(card_lost("x")).http_status, 503);
  EXPECT_EQ(error_answer(deadline_exceeded("x")).http_status, 504);
}

}  // namespace
}  // namespace axle::api::automatic1111
