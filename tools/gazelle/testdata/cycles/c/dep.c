#include "../a/a.h"
int other(void) { return a_symbol(); }
