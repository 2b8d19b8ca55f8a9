// Programs that were linked against the vendor's libraries name them all; this one has nothing that
// such programs call on a machine without a card.
const char* axle_softcard_companion(void);
const char* axle_softcard_companion(void) { return "axle software card"; }
