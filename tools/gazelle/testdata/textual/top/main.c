#include "part.c"
#include "both.c"
#include "table.inc"
#include "../lib/common.c"
