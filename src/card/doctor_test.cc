#include "card/doctor.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/fake_test.h"

namespace axle::card {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using enum FindingLevel;

constexpr const char* kPci = "/sys/bus/pci/devices/0001:01:00.0";

// A machine made of files: at first a Raspberry Pi 5 with a card on which all is well.
class DoctorTest : public FakeTest {
 protected:
  void SetUp() override {
    FakeTest::SetUp();
    root = folder / "root";
    add("/proc/device-tree/model", std::string("Raspberry Pi 5 Model B Rev 1.0\0", 31));
    add_card();
    add("/proc/modules",
        "ax_pcie_p2p_rc 1\naxcl_host 1\nax_pcie_mmb 1\nax_pcie_msg 1\n"
        "ax_pcie_host_dev 1\n");
    for (const char* node : {"/dev/axcl_host", "/dev/msg_userdev", "/dev/ax_mmb_dev"}) {
      add(node, "");
      chmod((root / (node + 1)).c_str(), 0666);
    }
    add("/lib/firmware/axcl/ax650_card.pac", "x");
    add("/usr/bin/axcl/axcl-smi", "x");
    chmod((root / "usr/bin/axcl/axcl-smi").c_str(), 0755);
    add("/proc/meminfo", "CmaTotal: 131072 kB\nCmaFree: 100000 kB\n");
    add("/proc/interrupts", "  CPU0 CPU1\n178: 0 99 MSI Edge ax_pcie_msi\n");
    add("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "performance\n");
    add("/sys/class/thermal/thermal_zone0/temp", "48000\n");
  }

  void add(const std::string& path, const std::string& content) {
    const fs::path file = root / path.substr(1);
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  }
  void add_card() {
    add(std::string(kPci) + "/vendor", "0x1f4b\n");
    add(std::string(kPci) + "/device", "0x0650\n");
    add(std::string(kPci) + "/current_link_speed", "5.0 GT/s PCIe\n");
    add(std::string(kPci) + "/max_link_speed", "5.0 GT/s PCIe\n");
    add(std::string(kPci) + "/current_link_width", "1\n");
    add(std::string(kPci) + "/max_link_width", "1\n");
  }
  std::vector<Finding> look(bool open_cards = false) const {
    DoctorOptions wanted;
    wanted.root = root;
    wanted.models = root;
    wanted.library = options();
    wanted.open_cards = open_cards;
    return diagnose(wanted);
  }
  // The finding of a name; a failure of the test when there is none.
  static Finding named(const std::vector<Finding>& findings, const std::string& name) {
    for (const Finding& finding : findings) {
      if (finding.name == name) return finding;
    }
    ADD_FAILURE() << "no finding " << name;
    return {};
  }
  Finding look_for(const std::string& name) const { return named(look(), name); }

  fs::path root;
};

TEST_F(DoctorTest, FindsNothingWrongOnAWellInstalledMachine) {
  for (const Finding& finding : look(true)) {
    EXPECT_LE(finding.level, kInfo) << finding.name << ": " << finding.found;
  }
  EXPECT_THAT(look_for("card").found, HasSubstr("0001:01:00.0"));
}

TEST_F(DoctorTest, WithoutACardSaysThatTheSoftwareCardWillBeUsed) {
  fs::remove_all(root / "sys/bus");
  fs::remove_all(root / "dev");
  const auto findings = look();
  EXPECT_LE(worst(findings), kInfo);
  EXPECT_EQ(named(findings, "card").found, "no card found: only the software card can serve");
  EXPECT_THAT(named(findings, "card").advice, HasSubstr("dtparam=pciex1"));
}

TEST_F(DoctorTest, AnEmptyMachineIsLookedAtWithoutHarm) {
  fs::remove_all(root);
  fs::create_directories(root);
  EXPECT_LE(worst(look()), kWarn);
}

TEST_F(DoctorTest, AMissingCardOnAPiLeadsThroughItsSettings) {
  fs::remove_all(root / "sys/bus");
  add("/boot/firmware/config.txt", "#dtparam=pciex1\n");
  EXPECT_THAT(look_for("card").advice, HasSubstr("add dtparam=pciex1"));
  add("/boot/firmware/config.txt", "dtparam=pciex1\n");
  EXPECT_THAT(look_for("card").advice, HasSubstr("pciex1-compat-pi5,no-mip"));
  add("/boot/firmware/config.txt", "dtparam=pciex1\ndtoverlay=pciex1-compat-pi5,no-mip\n");
  EXPECT_THAT(look_for("card").advice, HasSubstr("ribbon cable and power"));
}

TEST_F(DoctorTest, NamesDriverModulesThatAreNotLoaded) {
  add("/proc/modules", "ax_pcie_host_dev 1\nax_pcie_msg 1\n");
  const Finding finding = look_for("driver modules");
  EXPECT_EQ(finding.level, kBad);
  EXPECT_EQ(finding.found, "not loaded: ax_pcie_mmb, axcl_host");
  EXPECT_THAT(finding.advice, HasSubstr("modprobe axcl_host"));
  add("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  EXPECT_THAT(look_for("driver modules").advice, HasSubstr("Secure Boot"));
}

TEST_F(DoctorTest, DeviceNodesMustExistAndBeOpenToAll) {
  chmod((root / "dev/axcl_host").c_str(), 0600);
  EXPECT_EQ(look_for("device node /dev/axcl_host").level, kWarn);
  EXPECT_THAT(look_for("device node /dev/axcl_host").advice, HasSubstr("udevadm"));
  fs::remove(root / "dev/msg_userdev");
  EXPECT_EQ(look_for("device node /dev/msg_userdev").level, kBad);
  EXPECT_EQ(look_for("device node /dev/ax_mmb_dev").level, kOk);
}

TEST_F(DoctorTest, ASlowLinkIsAWarningAndANarrowOneAnExplanation) {
  add(std::string(kPci) + "/max_link_width", "2\n");
  EXPECT_EQ(look_for("pcie link").level, kInfo);
  EXPECT_EQ(look_for("pcie link").found, "0001:01:00.0: 5 GT/s x1 of 5 GT/s x2");
  add(std::string(kPci) + "/current_link_speed", "2.5 GT/s PCIe\n");
  EXPECT_EQ(look_for("pcie link").level, kWarn);
  fs::remove(root / "sys/bus/pci/devices/0001:01:00.0/current_link_speed");
  EXPECT_EQ(look_for("pcie link").level, kInfo);
}

TEST_F(DoctorTest, LittleCmaIsAWarningOnAPi) {
  add("/proc/meminfo", "CmaTotal: 65536 kB\nCmaFree: 60000 kB\n");
  EXPECT_EQ(look_for("cma memory").level, kWarn);
  EXPECT_THAT(look_for("cma memory").advice, HasSubstr("add cma=128M"));
  add("/proc/cmdline", "console=tty1 cma=128M\n");
  EXPECT_THAT(look_for("cma memory").advice, HasSubstr("did not give"));
  add("/proc/meminfo", "CmaTotal: 131072 kB\nCmaFree: 1000 kB\n");
  EXPECT_EQ(look_for("cma memory").level, kWarn);
}

TEST_F(DoctorTest, InterruptsOnTheFirstCoreAreMentioned) {
  add("/proc/interrupts", "  CPU0 CPU1\n178: 99 0 MSI Edge ax_pcie_msi\n");
  EXPECT_THAT(look_for("card interrupts").advice, HasSubstr("/proc/irq/178/smp_affinity_list"));
  add("/proc/interrupts", "  CPU0 CPU1\n1: 99 0 timer\n");
  EXPECT_EQ(look_for("card interrupts").level, kWarn);
}

TEST_F(DoctorTest, GovernorAndTemperatureOfTheHostAreJudged) {
  add("/sys/devices/system/cpu/cpufreq/policy4/scaling_governor", "ondemand\n");
  EXPECT_EQ(look_for("processor governor").found, "ondemand, performance");
  EXPECT_EQ(look_for("processor governor").level, kInfo);
  add("/sys/class/thermal/thermal_zone1/temp", "76000\n");
  EXPECT_EQ(look_for("host temperature").level, kWarn);
  add("/sys/class/thermal/thermal_zone1/temp", "85000\n");
  EXPECT_EQ(look_for("host temperature").level, kBad);
  EXPECT_EQ(look_for("host temperature").found, "85 C");
}

TEST_F(DoctorTest, ListsTheProcessesThatHoldTheCard) {
  add("/proc/4711/comm", "main_axcl\n");
  fs::create_directories(root / "proc/4711/fd");
  fs::create_symlink("/dev/axcl_host", root / "proc/4711/fd/5");
  fs::create_directories(root / "proc/12/fd");
  fs::create_symlink("/dev/null", root / "proc/12/fd/0");
  const Finding finding = look_for("processes on the card");
  EXPECT_EQ(finding.found, "main_axcl (4711)");
  EXPECT_THAT(finding.advice, HasSubstr("axcl-smi reboot"));
}

TEST_F(DoctorTest, MissingToolsAndFirmwareAreNamed) {
  fs::remove(root / "usr/bin/axcl/axcl-smi");
  fs::remove(root / "lib/firmware/axcl/ax650_card.pac");
  EXPECT_EQ(look_for("axcl-smi").level, kWarn);
  EXPECT_EQ(look_for("card firmware file").level, kBad);
}

TEST_F(DoctorTest, AMissingModelsDirectoryIsAWarning) {
  DoctorOptions wanted;
  wanted.root = root;
  wanted.models = root / "no/such/folder";
  wanted.open_cards = false;
  EXPECT_EQ(named(diagnose(wanted), "models directory").level, kWarn);
}

TEST_F(DoctorTest, OtherFirmwareThanTheLibrarysIsBad) {
  fake.firmware = "V3.6.5_20250101000000";
  const Finding finding = named(look(true), "firmware version");
  EXPECT_EQ(finding.level, kBad);
  EXPECT_THAT(finding.found, HasSubstr("library V3.10.2_20251215140224, card firmware V3.6.5"));
}

TEST_F(DoctorTest, AHotCardIsReported) {
  fake.temperature_millidegree = 76000;
  EXPECT_EQ(named(look(true), "card temperature").level, kWarn);
  fake.temperature_millidegree = 81000;
  EXPECT_EQ(named(look(true), "card temperature").level, kBad);
}

TEST_F(DoctorTest, AHungCardIsBadAndTheNextOneIsStillLookedAt) {
  fake.fail_next("axclrtSetDevice", 0x80300186);
  const auto findings = look(true);
  EXPECT_EQ(named(findings, "card on bus 3").level, kBad);
  EXPECT_THAT(named(findings, "card on bus 3").found, HasSubstr("DEVICE_PORT_ALLOCATE"));
  EXPECT_EQ(named(findings, "card on bus 129").level, kOk);
}

TEST_F(DoctorTest, ALibraryThatDoesNotStartIsBad) {
  fake.fail_next("axclInit", 0x8030010b);
  EXPECT_EQ(named(look(true), "library").level, kBad);
}

TEST_F(DoctorTest, ALibraryWithoutCardsIsBad) {
  fake.devices.clear();
  EXPECT_EQ(named(look(true), "cards of the library").level, kBad);
}

TEST_F(DoctorTest, OlderLibrariesAreDescribedAndStillUsed) {
  hidden = {"axclrtGetDeviceProperties", "axclrtEngineExecuteAsync"};
  const auto findings = look(true);
  EXPECT_EQ(named(findings, "library functions").found,
            "absent: asynchronous calls, state of the card");
  EXPECT_EQ(named(findings, "card on bus 3").level, kInfo);
}

TEST(FindingLevelTest, HasNames) {
  EXPECT_EQ(finding_level_name(kBad), "bad");
  EXPECT_EQ(worst({}), kOk);
}

}  // namespace
}  // namespace axle::card
