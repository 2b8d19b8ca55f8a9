// Part of every test that is built with the address sanitizer: leaks that are not ours.

// TBB, which OpenVINO brings, forgets 40 bytes of a scheduler observer when its threads end in an
// unlucky order at the end of the process (seen with OpenVINO 2026.4.1).
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libtbb.so\n"; }
